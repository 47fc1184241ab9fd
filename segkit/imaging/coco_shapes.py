"""Outlines of COCO JSON as pixels: polygons, and runs as lists or packed as text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon

from segkit.imaging.objects import Part

_NOTHING: Part = ((slice(0, 0), slice(0, 0)), np.zeros((0, 0), np.bool_))
# Beyond any image; what is drawn of corners much farther off is wrong by rounding.
_FARTHEST = 2**31


def outlined(segmentation: Any, shape: tuple[int, int]) -> Part:
    """The pixels of one annotation, in the smallest columns that hold them.

    Args:
        segmentation: a list of polygons ``[x, y, x, y, …]``, of which the union counts; or runs,
            ``{"size": [H, W], "counts": …}``, column by column, as numbers or as text.
        shape: rows and columns of the image.

    Raises:
        ValueError: it is none of these, or of another size.
    """
    if isinstance(segmentation, dict):
        size = segmentation.get("size")
        if size != list(shape):
            raise ValueError(f"runs of size {size} in an image of {list(shape)}")
        counts = segmentation.get("counts")
        if isinstance(counts, str):
            counts = unpacked(counts)
        return _of_runs(_runs(counts, shape), shape)
    if isinstance(segmentation, list) and segmentation:
        return _of_polygons([_numbers(ring, "a polygon") for ring in segmentation], shape)
    raise ValueError("an annotation without an outline")


def _numbers(given: Any, what: str) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(given, np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.zeros(0)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(f"{what} that is no list of numbers")
    return numbers


def _runs(given: Any, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Whole lengths that fill the image."""
    numbers, area = _numbers(given, "runs"), shape[0] * shape[1]
    # Before they are summed: integers of 64 bits would wrap.
    if ((numbers < 0) | (numbers > area) | (numbers % 1 != 0)).any():
        raise ValueError(f"runs that are no whole numbers of 0…{area}, in an image of {area}")
    total = int(numbers.sum())
    if total != area:
        raise ValueError(f"runs of {total} pixels in an image of {area}")
    return numbers.astype(np.int64)


def unpacked(text: str) -> list[int]:
    """Runs from the text in which COCO packs them.

    Five bits a character, lowest first, with a bit that says whether more follow; from the fourth
    run on the difference to the run two before.

    Raises:
        ValueError: it ends within a number, or a number is too large for any image.
    """
    runs: list[int] = []
    value = shift = 0
    for code in text.encode():
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if shift > 60:  # or a damaged file would be one number of a million digits
            raise ValueError("runs with a number of more than 60 bits")
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("runs that end within a number")
    return runs


def _of_runs(counts: NDArray[np.int64], shape: tuple[int, int]) -> Part:
    height, _ = shape
    edges = np.cumsum(counts)
    ends = edges[1::2]
    starts = edges[0::2][: len(ends)]
    starts, ends = starts[ends > starts], ends[ends > starts]
    if not len(starts):
        return _NOTHING
    first, last = int(starts[0]) // height, int(ends[-1] - 1) // height + 1
    top, bottom = 0, height
    columns = starts // height
    if (columns == (ends - 1) // height).all():  # but for objects as high as the image
        top, bottom = int((starts % height).min()), int(((ends - 1) % height).max()) + 1
        # A column of the part, and one step that closes its last run.
        tall = bottom - top + 1
        starts, ends = (
            tall * (columns - first) + edges - columns * height - top for edges in (starts, ends)
        )
    else:
        tall = height
        starts, ends = starts - first * height, ends - first * height
    steps = np.zeros((last - first) * tall + 1, np.int8)
    # One run may end where the next begins.
    np.add.at(steps, starts, 1)
    np.add.at(steps, ends, -1)
    inside = np.cumsum(steps[:-1], dtype=np.int8).reshape(last - first, tall) > 0
    return (slice(top, bottom), slice(first, last)), inside[:, : bottom - top].T


def _of_polygons(rings: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> Part:
    for ring in rings:
        if len(ring) % 2 or len(ring) < 6:  # three corners
            raise ValueError(f"a polygon of {len(ring)} numbers")
        if (far := float(np.abs(ring).max())) > _FARTHEST:
            raise ValueError(f"a polygon with a corner {far:g} pixels away")
    corners = [ring.reshape(-1, 2) for ring in rings]
    every = np.concatenate(corners)
    low = np.clip(np.floor(every.min(axis=0)), 0, shape[::-1]).astype(int)
    high = np.clip(np.ceil(every.max(axis=0)), 0, shape[::-1]).astype(int)
    inside = np.zeros((high - low)[::-1], np.bool_)
    for ring in corners:
        # The first pixel reaches from 0 to 1; it is inside if its centre is.
        x, y = (ring - low - 0.5).T
        inside[polygon(y, x, inside.shape)] = True
    return (slice(low[1], high[1]), slice(low[0], high[0])), inside
