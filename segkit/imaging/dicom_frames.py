"""Which frames of a DICOM file are the image, by ``dataset.z``, and what they make together."""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.planes import MAX, MEAN
from segkit.imaging.formats.base import Picture

Pixels = NDArray[Any]


def chosen(frames: int, z: int | str | None, name: str) -> Sequence[int]:
    """The numbers of the frames that are the image.

    Raises:
        SegkitError: of several none was chosen, or one that is not there.
    """
    if frames == 1:
        return [0]
    if z in (MAX, MEAN):
        return range(frames)
    if isinstance(z, int) and z < frames:
        return [z]
    last = f", the last of which is {frames - 1}, counted from 0" if isinstance(z, int) else ""
    raise SegkitError(
        f"a DICOM file of {frames} frames{last}",
        where=name,
        remedy="take the brightest of its frames by dataset.z=max; their mean by dataset.z=mean; "
        f"one frame by its number: dataset.z={frames // 2}; or each as an image, of a file called "
        "….dcm, where masks are stacks: dataset.z=slices; to predict, z= does the same",
    )


def together(pictures: Iterable[Picture], frames: int, z: int | str | None) -> Picture:
    """One picture of several, of which one is in memory at a time; of one, itself."""
    if frames == 1:
        return next(iter(pictures))
    if z == MAX:
        return reduce(lambda a, b: _both(a, b, np.maximum), pictures)
    total, small = None, False
    for picture in pictures:
        small = picture.pixels.dtype == np.uint8
        wide = _both(picture, picture, lambda a, _: np.asarray(a, np.float64))
        total = wide if total is None else _both(total, wide, np.add)
    assert total is not None
    mean = _both(total, total, lambda a, _: np.asarray(a / frames, np.float32))
    pixels = np.rint(mean.pixels).astype(np.uint8) if small else mean.pixels
    return Picture(pixels, measured=mean.measured)


def _both(one: Picture, other: Picture, function: Any) -> Picture:
    measured = None
    if one.measured is not None and other.measured is not None:
        measured = np.asarray(function(one.measured, other.measured))
    return Picture(np.asarray(function(one.pixels, other.pixels)), measured=measured)
