r"""The user's own images and masks, in folders or listed in a table.

Source: yours.
Licence: yours.
Layout: ``images/`` and ``masks/`` side by side, at any depth, as a folder or a zip; PNG, JPEG,
    TIFF or BMP. An image and its mask have the same name below those two folders, sub-folders
    included; the suffixes may differ (``images/day1/a.tif``, ``masks/day1/a.png``). A mask may
    also be called ``a_mask``, ``a_seg`` or ``a_label``; the exact name goes first. Or a table:
    see ``segkit/data/readers/manifest.py``.
Classes: as configured, background first. What a mask stores is turned into classes by
    ``mask_values`` (stored value or ``'#rrggbb'`` colour to class), by ``mask_threshold``
    (two classes; values above it are foreground), or, with neither, only where there is no
    doubt: with two classes the values of a file must all lie in {0, 1} or all in {0, 255};
    with K they must be the classes 0…K-1 themselves. Anything else is an error that names the
    file. Palette masks count by their indices (by their colours for a threshold).
Splits: folders ``train``, ``val`` (or ``valid``, ``validation``) and ``test`` right above or
    right below ``images/`` and ``masks/``; else none. The group is the image unless
    ``group_pattern`` or the table says otherwise.
Citation: yours.

Pixels are read as stored: an EXIF orientation, by which viewers turn a photograph, is not applied.
Whoever drew a mask may have seen the image turned or not, so an image that asks to be turned
otherwise than its mask is an error, unless the sizes show that the mask is of the stored pixels.

A tree, or a ``test`` folder, that holds no mask at all is taken as images to predict; any other
image without a mask is reported as a problem.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Problem, Record, Sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.manifest import read_manifest
from segkit.data.readers.pairs import pair
from segkit.imaging.mask_advice import advised
from segkit.imaging.mask_settings import check_mask_settings, threshold_cautions
from segkit.imaging.mask_survey import Survey, survey
from segkit.imaging.masks import (
    MaskDoubtError,
    above,
    automatic_classes,
    is_colour,
    map_values,
    zero_is_light,
)
from segkit.imaging.pixels import decode, orientation, to_uint8

# Mask files that are looked at for advice, from the whole set.
_MASKS = 200
_surveying = threading.Lock()


class Folder(Reader):
    r"""See the module's text.

    Args:
        root: folder or zip.
        classes: names of the classes, background first.
        mask_values: stored value, or colour, to class; None decides where there is no doubt.
        mask_threshold: stored values above it are class 1; for two classes only. 127 for masks
            of 0 and 255 with soft edges, as JPEG makes them.
        manifest: a CSV table, inside ``root`` or on disk, to read instead of pairing folders.
        group_pattern: a regular expression searched in the id; its one group is the record's
            group: ``'^(patient\d+)_'``.

    Raises:
        SegkitError: the settings contradict each other, or the pattern is not one.
    """

    layout = (
        "images/a.png with masks/a.png (PNG, JPEG, TIFF or BMP; also below train/, val/, test/), "
        "or a table: dataset.manifest=FILE.csv"
    )

    def __init__(
        self,
        root: str | Path,
        *,
        classes: Sequence[str],
        mask_values: Mapping[int | str, int] | None = None,
        mask_threshold: float | None = None,
        manifest: str | None = None,
        group_pattern: str | None = None,
    ) -> None:
        super().__init__(root, classes=classes)
        self.mask_values = None if mask_values is None else dict(mask_values)
        self.mask_threshold = mask_threshold
        self.manifest = manifest
        self.group_pattern = None if group_pattern is None else _compile(group_pattern)
        self._looked: Survey | None = None
        check_mask_settings(self.classes, self.mask_values, mask_threshold)

    def scan(self) -> Listing:
        """Pair images and masks, or read the table.

        Raises:
            SegkitError: the root or the table cannot be read, or an id does not fit the pattern.
        """
        if self.manifest is not None:
            self.tables.append(self.manifest)
            return read_manifest(self.source, self.manifest, self._group)
        return pair(self.source.names(), self._group)

    def read(self, record: Record) -> Sample:
        """Decode an image and its masks; of several masks the highest class wins.

        Raises:
            SegkitError: a file cannot be read, a mask value is not known, or image and mask may
                be turned against each other.
        """
        data, where = self.source.read(record.image), self.source.where(record.image)
        image = to_uint8(decode(data, where), where)
        if not record.labelled:
            return Sample(image, None)
        turned = orientation(data)
        masks = [self._read_mask(name, image.shape[:2], turned) for name in record.masks]
        for mask in masks:
            if mask.shape != image.shape[:2]:
                # The common check names the files and both sizes.
                return Sample(image, mask)
        return Sample(image, np.maximum.reduce(masks))

    def parameters(self) -> dict[str, object]:
        """What turns stored values into classes."""
        values = self.mask_values or {}
        return {
            "classes": len(self.classes),
            "mask_values": {str(key): values[key] for key in sorted(values, key=str)},
            "mask_threshold": self.mask_threshold,
        }

    def _read_mask(self, name: str, size: tuple[int, ...], turned: int) -> NDArray[np.uint8]:
        data, where = self.source.read(name), self.source.where(name)
        mask = self._classes_of(data, where)
        if (own := orientation(data)) != turned:
            _check_turn(mask.shape, own, size, turned, where)
        return mask

    def cautions(self) -> list[Problem]:
        """A threshold that takes what is marked for background.

        Raises:
            SegkitError: it leaves no foreground in any mask.
        """
        return [] if self.mask_threshold is None else threshold_cautions(self._survey())

    def _survey(self) -> Survey:
        """What masks of the whole set store; looked at once, by whichever thread asks first."""
        with _surveying:
            if self._looked is None:
                indexed = not any(map(is_colour, self.mask_values or {}))
                self._looked = survey(self._some_masks(), indexed, self.mask_threshold)
            return self._looked

    def _some_masks(self) -> Iterator[tuple[str, bytes]]:
        names = [name for record in self._found.records for name in record.masks]
        for name in names[:: -(-len(names) // _MASKS) or 1]:
            with suppress(SegkitError):
                yield self.source.where(name), self.source.read(name)

    def _classes_of(self, data: bytes, where: str) -> NDArray[np.uint8]:
        try:
            return self._by_settings(data, where)
        except MaskDoubtError as doubt:
            looked = self._survey().with_file(where, data)
            raise advised(doubt, looked, self.classes, self.mask_values) from doubt

    def _by_settings(self, data: bytes, where: str) -> NDArray[np.uint8]:
        if self.mask_threshold is not None:
            return above(decode(data, where), self.mask_threshold).astype(np.uint8)
        if self.mask_values is None:
            pixels = decode(data, where, indexed=True)
            inverted = zero_is_light(data)
            return automatic_classes(pixels, where, len(self.classes), inverted=inverted)
        pixels = decode(data, where, indexed=not any(map(is_colour, self.mask_values)))
        return map_values(pixels, self.mask_values, where)

    def _group(self, key: str, image: str) -> str:
        if self.group_pattern is None:
            return image
        found = self.group_pattern.search(key)
        if not found or not found[1]:
            raise SegkitError(
                f"the id {key!r} does not fit the group pattern {self.group_pattern.pattern!r}",
                where="dataset.group_pattern",
                remedy="write a pattern that finds the group in every id, or null",
            )
        return found[1]


def _check_turn(
    mask: tuple[int, ...], own: int, image: tuple[int, ...], turned: int, where: str
) -> None:
    """Refuse a mask that may have been drawn on its image as a viewer turns it."""
    # Orientations 5…8 are quarter turns: lying and upright images cannot be mistaken.
    quarter = (own > 4) != (turned > 4)
    if quarter and image[0] != image[1] and mask == image:
        return
    if mask not in (image, image[::-1]):
        return  # the common check names both sizes
    raise SegkitError(
        f"a mask with EXIF orientation {own} of an image with {turned}: whether it was drawn on "
        "the pixels as stored or as shown cannot be known",
        where=where,
        remedy="write both out turned and without the tag (magick mogrify -auto-orient), or "
        "delete the tag if the mask fits the stored pixels",
    )


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
        reason = f"it has {compiled.groups} groups" if compiled.groups != 1 else ""
    except re.error as error:
        reason = str(error)
    if reason:
        raise SegkitError(
            f"not a regular expression with one group: {reason}",
            where=f"dataset.group_pattern={pattern}",
            remedy=r"put round brackets about the group, once: '^(patient\d+)_'",
        )
    return compiled
