r"""The user's own images and masks, in folders or listed in a table.

Source: yours.
Licence: yours.
Layout: ``images/`` and ``masks/`` side by side, at any depth, as a folder, a zip or a tar; the
    formats of ``docs/formats.md``; of volumes each slice is a record. An image and its mask have
    the same name below those two folders, but for the suffix (``images/day1/a.tif``,
    ``masks/day1/a.png``); a mask may also be called ``a_mask`` and so on; the exact name goes
    first. Several (``a_mask``, ``a_mask_1``) count together; in a folder called like the image each
    is an object (``masks/a/1.png``). Layouts of published sets: ``segkit/data/readers/layouts.py``,
    nnU-Net's: ``sequences.py`` beside it; folders of other names: ``images`` and ``masks``. Or a
    table: ``manifest.py``. Or, where there is no mask file, outlines in JSON: ``annotations.py``.
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

from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Problem, Record, Sample
from segkit.core.errors import SegkitError
from segkit.core.planes import PLAIN, Planes
from segkit.data.readers.base import Reader, is_image
from segkit.data.readers.coco import Picture, is_json
from segkit.data.readers.group_pattern import GroupPattern
from segkit.data.readers.label_checks import Labels, check_labels, no_doubt, no_parts
from segkit.data.readers.layouts import suggested
from segkit.data.readers.listed import listed
from segkit.data.readers.manifest import tables
from segkit.data.readers.mask_files import MaskFiles
from segkit.data.readers.nnunet import class_names
from segkit.data.readers.overlaps import Overlaps
from segkit.data.readers.pairs import one_file_an_object
from segkit.data.readers.patients import by_patient
from segkit.data.readers.slices import cut, slicing
from segkit.data.volumes import file_of
from segkit.imaging.components import components
from segkit.imaging.mask_settings import (
    check_label_settings,
    check_mask_settings,
    threshold_cautions,
)
from segkit.imaging.objects import draw
from segkit.imaging.pixels import orientation


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
        images: name of the folder of the images, where it is none of those that are known.
        masks: of the masks, likewise, or where several may hold them.
        axes: of TIFF files of many planes; see :class:`~segkit.core.planes.Planes`.
        z: which plane of a stack is the image; of a mask that is a stack, too.
        axis: along which NIfTI volumes are cut into slices: axial, coronal or sagittal.

    Raises:
        SegkitError: the settings contradict each other, or the pattern is not one.
    """

    version, has_objects = 2, True
    layout = (
        "images/a.png with masks/a.png (PNG, JPEG, TIFF, BMP, DICOM or NIfTI; also below train/, "
        "val/, test/), or COCO or LabelMe JSON, or a table: dataset.manifest=FILE.csv"
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
        images: str | None = None,
        masks: str | None = None,
        axes: str | None = None,
        z: int | str | None = None,
        axis: str = "axial",
    ) -> None:
        planes = Planes(axes, z)
        self.slicing = replace(slicing(axis), planes=planes)  # before the source is opened
        super().__init__(root, classes=classes or ("background", "foreground"))
        if classes is None and (found := class_names(self.source)):
            super().__init__(root, classes=found[1])
            self.tables.append(found[0])
        self.planes = planes
        self.mask_values = None if mask_values is None else dict(mask_values)
        self.mask_threshold, self.labels = mask_threshold, labels
        self.manifest, self.group_pattern = manifest, GroupPattern(group_pattern)
        self.images, self.mask_folder = images, masks
        self.masks = MaskFiles(self, self._mask_names, mask_values, mask_threshold)
        self._pictures: dict[str, Picture] = {}  # of JSON, by the image's file
        self._overlaps = Overlaps()
        check_mask_settings(self.classes, self.mask_values, mask_threshold)
        check_labels(labels, self.classes)

    def require_objects(self) -> None:
        """See :meth:`Reader.require_objects`; settings of classes are refused too."""
        check_labels(self.labels, self.classes, asked=True)
        super().require_objects()

    def scan(self) -> Listing:
        """Pair images and masks, or read the table, or COCO JSON.

        Raises:
            SegkitError: the root or the table cannot be read, or an id does not fit the pattern.
        """
        where = self.source, self.manifest, self.group_pattern, self.images, self.mask_folder
        found, self._pictures, seen = listed(*where)
        self.without_pixels = seen.without_pixels
        if self.manifest and not self._pictures:
            self.tables.append(self.manifest)
        found = by_patient(found, seen.headers, self.source.open, grouped=bool(self.group_pattern))
        return cut(found, self.source)

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

    def hint(self) -> str:
        """Tables, or folders that may hold images and masks, with the settings that read them."""
        return "" if self.manifest else tables(self.source) + suggested(self.source.names())

    def read(self, record: Record) -> Sample:
        """Decode an image and its masks; of several masks the highest class wins.

        Raises:
            SegkitError: a file cannot be read, a mask value is not known, or image and mask may
                be turned against each other.
        """
        data = self.source.read(record.image)
        image = self.read_image(record, data)
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
        parts = components(classes > 0) if self.labels == "components" else None
        return Sample(image, classes, parts)

    def _is_drawn(self, record: Record) -> bool:
        """Whether a record's objects come one by one."""
        if is_json(record.masks[0]):
            return True
        apart = one_file_an_object(record) or (self.labels == "objects" and len(record.masks) > 1)
        return apart and self.labels in ("auto", "objects") and len(self.classes) == 2

    def _draw(self, record: Record, image: NDArray[np.uint8], turned: int) -> Sample:
        shape = (image.shape[0], image.shape[1])
        if not is_json(record.masks[0]):
            drawn = draw(shape, self.masks.objects(record, image, turned))
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
        if record.image in self._pictures:
            return self._pictures[record.image]
        where = self.source.where(record.masks[0])
        raise SegkitError("JSON that is not of this image", where=where, remedy="export it again")

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
            **({"planes": astuple(self.planes)} if self.planes != PLAIN else {}),
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
