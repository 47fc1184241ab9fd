"""Mask files of a data set, under its settings: to classes, or to labels of objects."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Record, Sample, check_sample
from segkit.core.errors import SegkitError
from segkit.core.planes import MAX, MEAN, Planes
from segkit.data.readers.base import Reader
from segkit.data.readers.turned import check_turn
from segkit.imaging.label_doubt import no_labels
from segkit.imaging.mask_advice import advised
from segkit.imaging.mask_survey import Survey, is_lossy, survey
from segkit.imaging.masks import (
    MaskDoubtError,
    above,
    as_shown,
    automatic_classes,
    decode_mask,
    is_colour,
    map_values,
    zero_is_light,
)
from segkit.imaging.objects import Part, stored_labels
from segkit.imaging.pixels import Pixels, orientation

# Mask files that are looked at for advice, from the whole set.
_MASKS = 200
_surveying = threading.Lock()
_STACK = (
    "each plane is an image with its own mask by dataset.z=slices; or take one plane of both, by "
    "its number: dataset.z=0; or draw one mask for all planes"
)


def _as_stored(data: bytes, where: str, planes: Planes) -> Pixels:
    return decode_mask(data, where, indexed=True, planes=planes)


class MaskFiles:
    """Decodes mask files; where there is doubt, advises from what the whole set stores.

    Args:
        reader: of the data set.
        names: gives the names of all its mask files.
        mask_values: stored value to class.
        mask_threshold: above which stored values are foreground.
    """

    def __init__(
        self,
        reader: Reader,
        names: Callable[[], Sequence[str]],
        mask_values: Mapping[int | str, int] | None,
        mask_threshold: float | None,
    ) -> None:
        self._reader, self._names = reader, names
        self._mask_values, self._mask_threshold = mask_values, mask_threshold
        self._indexed = not any(map(is_colour, mask_values or {}))
        self._looked: Survey | None = None

    def survey(self) -> Survey:
        """What masks of the whole set store; looked at once, by whichever thread asks first."""
        with _surveying:
            if self._looked is None:
                first = Survey(self._indexed, self._mask_threshold, self._planes)
                self._looked = survey(self._some(), first)
            return self._looked

    def classes(self, name: str, size: tuple[int, ...], turned: int) -> NDArray[np.uint8]:
        """(H, W) class indices of a file, whose image has these rows and columns, and orientation.

        Raises:
            SegkitError: it cannot be read, its values are not known, or it may be turned
                against its image.
        """
        data, where = self._reader.source.read(name), self._reader.source.where(name)
        try:
            classes = self._by_settings(data, where)
        except MaskDoubtError as doubt:
            looked = self.survey().with_file(where, data)
            raise advised(doubt, looked, self._reader.classes, self._mask_values) from doubt
        check_turn(classes.shape, orientation(data), size, turned, where)
        return classes

    def labels(self, name: str, size: tuple[int, ...], turned: int) -> NDArray[np.int32]:
        """(H, W) labels of the objects of a file, as stored; like :meth:`classes`.

        Raises:
            SegkitError: it cannot be read, is a JPEG, has colours, values that are not whole,
                negative or too large, or may be turned against its image.
        """
        data, where = self._reader.source.read(name), self._reader.source.where(name)
        if is_lossy(data, where):
            no_labels(self.survey().with_file(where, data), where)
        try:
            labels = stored_labels(self._pixels(data, where), where)
        except MaskDoubtError as doubt:
            no_labels(self.survey().with_file(where, data), where)
            raise AssertionError("a survey that knows the file doubts it too") from doubt
        check_turn(labels.shape, orientation(data), size, turned, where)
        return labels

    def objects(self, record: Record, image: NDArray[np.uint8], turned: int) -> Iterator[Part]:
        """The pixels of each of a record's masks, which are one object each; like :meth:`classes`.

        Raises:
            SegkitError: as there, or one is of another size than the image.
        """
        for name in record.masks:
            mask = self.classes(name, image.shape[:2], turned)
            # Names the one of many masks that differs in size.
            own = replace(record, masks=(name,))
            check_sample(Sample(image, mask), own, len(self._reader.classes))
            yield (slice(None), slice(None)), mask > 0

    @property
    def _planes(self) -> Planes:
        """Those of images; but a projection of what a mask stores says nothing."""
        planes = self._reader.planes
        return planes if isinstance(planes.z, int) else replace(planes, z=None)

    def _pixels(self, data: bytes, where: str, *, shown: bool = False) -> Pixels:
        """What a file stores, or with a palette shows; of a stack the plane of its image.

        Raises:
            SegkitError: it cannot be read, or is a stack, of which there is no mean of a class.
        """
        decode = as_shown if shown else _as_stored
        try:
            return decode(data, where, self._planes)
        except SegkitError as error:
            if self._reader.planes.z not in (MAX, MEAN):
                raise
            with suppress(SegkitError):
                decode(data, where, replace(self._planes, z=0))
                error = SegkitError(f"a mask that is {error.what}", where=where, remedy=_STACK)
            raise error from None

    def _by_settings(self, data: bytes, where: str) -> NDArray[np.uint8]:
        if self._mask_threshold is not None:
            shown = self._pixels(data, where, shown=True)
            return above(shown, self._mask_threshold).astype(np.uint8)
        pixels = self._pixels(data, where, shown=not self._indexed)
        if self._mask_values is None:
            inverted = zero_is_light(data)
            return automatic_classes(pixels, where, len(self._reader.classes), inverted=inverted)
        return map_values(pixels, self._mask_values, where)

    def _some(self) -> Iterator[tuple[str, bytes]]:
        names, source = self._names(), self._reader.source
        for name in names[:: -(-len(names) // _MASKS) or 1]:
            with suppress(SegkitError):
                yield source.where(name), source.read(name)
