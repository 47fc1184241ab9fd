r"""The user's own images and masks, in folders or listed in a table.

Source: yours.
Licence: yours.
Layout: ``images/`` and ``masks/`` side by side, at any depth, as a folder or a zip; PNG, JPEG,
    TIFF, BMP, or NIfTI, of whose volumes each slice is a record. An image and its mask have the
    same name below those two folders, sub-folders included; the suffixes may differ
    (``images/day1/a.tif``, ``masks/day1/a.png``). A mask may also be called ``a_mask``, ``a_seg``
    or ``a_label``; the exact name goes first. Or nnU-Net's ``imagesTr/a_0000.nii.gz`` and
    ``labelsTr/a.nii.gz``: see ``segkit/data/readers/sequences.py``. Or a table: see
    ``segkit/data/readers/manifest.py``. Or one file an object, in a folder called like the image
    (``masks/a/1.png``, ``masks/a/2.png``). Or, where there is no mask file, COCO JSON with
    outlines: see ``segkit/data/readers/coco.py``.
Classes: as configured, background first; or as nnU-Net's ``dataset.json`` names them. What a mask
    stores is turned into classes by ``mask_values`` (stored value or ``'#rrggbb'`` colour to
    class), by ``mask_threshold`` (two classes; values above it are foreground), or, with neither,
    only where there is no doubt: with two classes the values of a file must all lie in {0, 1} or
    all in {0, 255}; with K they must be the classes 0…K-1 themselves. Anything else is an error
    that names the file. Palette masks count by their indices (by their colours for a threshold).
    Of objects see ``segkit/data/readers/label_checks.py``.
Splits: folders ``train``, ``val`` (or ``valid``, ``validation``) and ``test`` right above or
    right below ``images/`` and ``masks/``; else none. The group is the image or the volume, unless
    ``group_pattern`` or the table says otherwise.
Citation: yours.

A tree, or a ``test`` folder, that holds no mask at all is taken as images to predict; any other
image without a mask is reported as a problem.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Problem, Record, Sample, check_sample
from segkit.data.readers.base import Reader, is_image
from segkit.data.readers.coco import Picture, coco_files, is_json, named_file, read_coco
from segkit.data.readers.group_pattern import GroupPattern
from segkit.data.readers.label_checks import Labels, check_labels, no_doubt, no_parts
from segkit.data.readers.manifest import read_manifest
from segkit.data.readers.mask_files import MaskFiles
from segkit.data.readers.nnunet import class_names
from segkit.data.readers.overlaps import Overlaps
from segkit.data.readers.pairs import has_masks, one_file_an_object, pair
from segkit.data.readers.slices import cut, slicing
from segkit.data.volumes import file_of
from segkit.imaging.components import components
from segkit.imaging.mask_settings import (
    check_label_settings,
    check_mask_settings,
    threshold_cautions,
)
from segkit.imaging.objects import Part, draw
from segkit.imaging.pixels import decode, orientation, to_uint8


class Folder(Reader):
    r"""See the module's text.

    Args:
        root: folder or zip.
        classes: names, background first; None takes nnU-Net's, or background and foreground.
        mask_values: stored value, or colour, to class; None decides where there is no doubt.
        mask_threshold: stored values above it are class 1; for two classes only. 127 for masks
            of 0 and 255 with soft edges, as JPEG makes them.
        manifest: a CSV table, inside ``root`` or on disk, to read instead of pairing folders; or
            COCO JSON inside ``root``.
        group_pattern: a regular expression searched in the id; its one group is the record's
            group: ``'^(patient\d+)_'``.
        labels: what the values of a mask are: classes, objects, components (of classes), or auto.
        axis: along which NIfTI volumes are cut into slices: axial, coronal or sagittal.

    Raises:
        SegkitError: the settings contradict each other, or the pattern is not one.
    """

    has_objects = True
    layout = (
        "images/a.png with masks/a.png (PNG, JPEG, TIFF, BMP or NIfTI; also below train/, val/, "
        "test/), or COCO JSON, or a table: dataset.manifest=FILE.csv"
    )

    def __init__(
        self,
        root: str | Path,
        *,
        classes: Sequence[str] | None,
        mask_values: Mapping[int | str, int] | None = None,
        mask_threshold: float | None = None,
        manifest: str | None = None,
        group_pattern: str | None = None,
        labels: Labels = "auto",
        axis: str = "axial",
    ) -> None:
        super().__init__(root, classes=classes or ("background", "foreground"))
        if classes is None and (found := class_names(self.source)):
            super().__init__(root, classes=found[1])
            self.tables.append(found[0])
        self.mask_values = None if mask_values is None else dict(mask_values)
        self.mask_threshold = mask_threshold
        self.manifest = manifest
        self.group_pattern = GroupPattern(group_pattern)
        self.labels = labels
        self.slicing = slicing(axis)
        self.masks = MaskFiles(self, self._mask_names, mask_values, mask_threshold)
        self._pictures: dict[str, Picture] = {}  # of COCO JSON, by the image's file
        self._overlaps = Overlaps()
        check_mask_settings(self.classes, self.mask_values, mask_threshold)
        check_labels(labels, self.classes)

    def require_objects(self) -> None:
        """See :meth:`Reader.require_objects`.

        Raises:
            SegkitError: settings of classes.
        """
        check_labels(self.labels, self.classes, asked=True)
        super().require_objects()

    def scan(self) -> Listing:
        """Pair images and masks, or read the table, or COCO JSON.

        Raises:
            SegkitError: the root or the table cannot be read, or an id does not fit the pattern.
        """
        return cut(self._listed(), self.source)

    def _listed(self) -> Listing:
        names = self.source.names()
        if self.manifest is None:
            files = {} if has_masks(names) else coco_files(self.source)
        elif is_json(self.manifest):
            files = named_file(self.source, self.manifest)
        else:
            self.tables.append(self.manifest)
            return read_manifest(self.source, self.manifest, self.group_pattern)
        if not files:
            return pair(names, self.group_pattern)
        found, self._pictures = read_coco(self.source, files, self.group_pattern)
        return found

    def listing(self) -> Listing:
        """See :meth:`Reader.listing`; where objects are asked for, masks are looked at too.

        Raises:
            SegkitError: no record was found, or masks are not of objects beyond doubt.
        """
        found = super().listing()
        if not self.objects and self.labels != "objects":
            return found
        labelled = [record for record in found.records if record.labelled]
        if self.labels == "auto":
            no_parts([record for record in labelled if one_file_an_object(record)])
        stored = [record for record in labelled if not self._is_drawn(record)]
        if stored and self.labels != "components":
            # Every label is above 0, the threshold of a semantic run that is judged by objects.
            check_label_settings(self.classes, self.mask_values, self.mask_threshold or None)
        if stored and self.labels == "auto":
            no_doubt(stored, self.masks.survey, f"dataset.root={self.root}")
        return found

    def read(self, record: Record) -> Sample:
        """Decode an image and its masks; of several masks the highest class wins.

        Raises:
            SegkitError: a file cannot be read, a mask value is not known, or image and mask may
                be turned against each other.
        """
        data, where = self.source.read(record.image), self.source.where(record.image)
        image = to_uint8(decode(data, where), where, self.source.window(record.image))
        image = self.with_sequences(record, image)
        if not record.labelled:
            return Sample(image, None)
        turned = orientation(data)
        if self._is_drawn(record):
            return self._draw(record, image, turned)
        if self.labels == "objects" or (self.labels == "auto" and self.objects):
            labels = self.masks.labels(record.masks[0], image.shape[:2], turned)
            return Sample(image, (labels > 0).astype(np.uint8), labels)
        masks = [self.masks.classes(name, image.shape[:2], turned) for name in record.masks]
        for mask in masks:
            if mask.shape != image.shape[:2]:
                # The common check names the files and both sizes.
                return Sample(image, mask)
        classes = np.maximum.reduce(masks)
        return Sample(
            image, classes, components(classes > 0) if self.labels == "components" else None
        )

    def _is_drawn(self, record: Record) -> bool:
        """Whether a record's objects come one by one."""
        if is_json(record.masks[0]):
            return True
        apart = one_file_an_object(record) or (self.labels == "objects" and len(record.masks) > 1)
        return apart and self.labels in ("auto", "objects") and len(self.classes) == 2

    def _draw(self, record: Record, image: NDArray[np.uint8], turned: int) -> Sample:
        shape = (image.shape[0], image.shape[1])
        if not is_json(record.masks[0]):
            drawn = draw(shape, self._objects(record, image, turned))
            classes = np.minimum(drawn.labels, 1).astype(np.uint8)
        else:
            picture = self._picture(record)
            drawn = draw(shape, picture.parts(shape, record.image))
            classes = picture.classes(self.classes, record.image)[drawn.labels]
        self._overlaps.add(record, drawn)
        return Sample(image, classes, drawn.labels)

    def _picture(self, record: Record) -> Picture:
        if not self._pictures:
            self.listing()  # fills it
        return self._pictures[record.image]

    def _objects(self, record: Record, image: NDArray[np.uint8], turned: int) -> Iterator[Part]:
        for name in record.masks:
            mask = self.masks.classes(name, image.shape[:2], turned)
            # Names the one of many masks that differs in size.
            check_sample(Sample(image, mask), replace(record, masks=(name,)), len(self.classes))
            yield (slice(None), slice(None)), mask > 0

    def parameters(self) -> dict[str, object]:
        """What turns stored values into classes, or objects."""
        values, axis = self.mask_values or {}, self.slicing.axis
        labels = self.labels if self.labels != "auto" or not self.objects else "objects"
        return {
            "classes": len(self.classes),
            "mask_values": {str(key): values[key] for key in sorted(values, key=str)},
            "mask_threshold": self.mask_threshold,
            **({"labels": labels} if labels != "auto" else {}),
            **({"names": self.classes} if self._pictures else {}),
            **({"axis": axis} if axis != "axial" else {}),
        }

    def cautions(self) -> list[Problem]:
        """A threshold that takes what is marked for background; objects that overlap.

        Raises:
            SegkitError: it leaves no foreground in any mask.
        """
        told = [] if self.mask_threshold is None else threshold_cautions(self.masks.survey())
        if self.objects:
            drawn = [record for record in self._found.records if self._is_drawn(record)]
            self._overlaps.look(drawn, self.read)
            told += self._overlaps.cautions("in the list" if self._pictures else "by file name")
        return told

    def _mask_names(self) -> list[str]:
        return [n for one in self._found.records for n in one.masks if is_image(file_of(n))]
