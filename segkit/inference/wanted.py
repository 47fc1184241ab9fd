"""Which files predict writes, and what of them fits the task of a run. Nothing here needs NumPy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from segkit.core.errors import SegkitError, did_you_mean, require_packages
from segkit.tasks.base import Task
from segkit.tasks.named import no_objects

FORMATS = {"png": ".png", "tiff": ".tif"}
# Files of objects alone.
_OBJECTS = ("rois", "geojson", "coco")
_DRAWN = ("overlay", "colour", "probability")
# All that is written where it is asked for.
KINDS = (*_DRAWN, *_OBJECTS, "rle", "dicom_seg")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files are written for an image, and where.

    Attributes:
        folder: the output folder.
        format: of the mask, png or tiff; 8 bits, of labels 16 or 32.
        values: stored for class 0, 1 …; each 0…255 and once. Of labels none.
        overlay: whether to draw ``<stem>_overlay.jpg``.
        probability: whether to write ``probabilities/<stem>.tif``: (K, H, W) float16.
        colour: whether to write ``colours/<stem>.png``: indices into a palette, which every viewer
            shows in colour; after the seventh class the colours come again.
        rle: whether to write ``submission.csv``, of all images.
        dicom_seg: whether to write ``<stem>_seg.dcm``, which names the patient; of classes alone.
        labels: whether the masks are labels of objects, which are measured; all below is of them.
        rois: whether to write ``<stem>_rois.zip``.
        geojson: whether to write ``<stem>.geojson``.
        coco: whether to write ``coco.json``, of all images.
        pixel_size: height and width of a pixel in µm, of files that do not say.
    """

    folder: Path
    format: str
    values: tuple[int, ...]
    overlay: bool = False
    probability: bool = False
    colour: bool = False
    rle: bool = False
    dicom_seg: bool = False
    labels: bool = False
    rois: bool = False
    geojson: bool = False
    coco: bool = False
    pixel_size: tuple[float, float] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What the content of the files depends on."""
        return {"pixel_size": self.pixel_size} if self.labels else {"values": self.values}

    @property
    def asked(self) -> list[str]:
        """Those of :data:`KINDS` that are wanted."""
        return [kind for kind in KINDS if getattr(self, kind)]

    def also(self, kinds: Iterable[str]) -> Self:
        """The same, and these of :data:`KINDS`."""
        asked: dict[str, Any] = dict.fromkeys(kinds, True)
        return replace(self, **asked)

    def alone(self) -> Self:
        """Masks alone, and measures: none of :data:`KINDS`."""
        asked: dict[str, Any] = dict.fromkeys(KINDS, False)
        return replace(self, **asked)

    def mask(self, stem: str, suffix: str = "") -> Path:
        """The mask; labels that 16 bits do not hold have another suffix than the format's."""
        return self.folder / f"{stem}{suffix or FORMATS[self.format]}"

    def masks(self, stem: str) -> list[Path]:
        """Every file that may become the mask, as long as nothing is known of the objects."""
        suffixes = {FORMATS[self.format], FORMATS["tiff"]} if self.labels else {""}
        return [self.mask(stem, suffix) for suffix in sorted(suffixes)]

    def part(self, stem: str, of: str) -> Path:
        """What one image adds to a file of all images, which is made anew from its parts."""
        return self.folder / ".objects" / f"{stem}.{of}"

    def parts(self, stem: str) -> dict[str, Path]:
        """Whatever an image may add, by what it holds, whether it is wanted or not."""
        kinds = {"objects": "objects.csv", "coco": "coco.json", "rle": "submission.csv"}
        return {kind: self.part(stem, of) for kind, of in kinds.items()} if self.labels else {}

    def files(self, stem: str, suffix: str = "") -> dict[str, Path]:
        """Every file of an image, by what it holds; ``suffix`` is the mask's."""
        found = {"mask": self.mask(stem, suffix)}
        if self.overlay:
            found["overlay"] = self.folder / f"{stem}_overlay.jpg"
        if self.colour:
            found["colour"] = self.folder / "colours" / f"{stem}.png"
        if self.probability:
            found["probability"] = self.folder / "probabilities" / f"{stem}.tif"
        if self.rois:
            found["rois"] = self.folder / f"{stem}_rois.zip"
        if self.geojson:
            found["geojson"] = self.folder / f"{stem}.geojson"
        if self.dicom_seg:
            found["dicom_seg"] = self.folder / f"{stem}_seg.dcm"
        asked = {"objects": True, "coco": self.coco, "rle": self.rle}
        return found | {kind: path for kind, path in self.parts(stem).items() if asked[kind]}


def wanted_of(config: Mapping[str, Any], folder: Path, task: Task) -> Wanted:
    """What is asked for of a run of this task.

    Raises:
        SegkitError: a file that the task has nothing to write into, or a package that writes it
            is not there, or values that do not tell the classes apart.
    """
    asked: dict[str, Any] = {key: bool(config[key]) for key in (*_DRAWN, "rle", "dicom_seg")}
    size = config["pixel_size"]
    if task.labels:
        if config["dicom_seg"]:
            raise SegkitError(
                "DICOM-SEG holds classes, and this run tells objects apart",
                where="dicom_seg=true",
                remedy="leave it out, or predict with a run of task=semantic",
            )
        if config["values"] is not None:
            raise SegkitError(
                "labels are stored as they are: a number for each object",
                where=f"values={config['values']}",
                remedy="leave it out",
            )
        asked |= {key: bool(config[key]) for key in _OBJECTS}
        known = None if size is None else _pair(size)
        return Wanted(folder, config["format"], (), labels=True, pixel_size=known, **asked)
    for key in (*_OBJECTS, "pixel_size"):
        if config[key]:
            raise no_objects(task.name, f"{key}={config[key]}", f"leave {key} out, or ")
    if config["dicom_seg"]:
        require_packages("highdicom", extra="dicomseg")
    values = check_format(config["format"], config["values"], len(task.classes))
    return Wanted(folder, config["format"], values, **asked)


def _pair(size: Any) -> tuple[float, float]:
    height, width = size if isinstance(size, list | tuple) else (size, size)
    return float(height), float(width)


def check_format(name: object, values: object, classes: int) -> tuple[int, ...]:
    """The stored value of each class: the given ones, or the class indices.

    Raises:
        SegkitError: an unknown format, or values that do not tell the classes apart.
    """
    if not isinstance(name, str) or name not in FORMATS:
        remedy = did_you_mean(name, FORMATS)
        raise SegkitError(f"unknown format {name!r}", where="format", remedy=remedy)
    if values is None:
        return tuple(range(classes))
    given = list(values) if isinstance(values, list | tuple) else [None]
    whole = [v for v in given if isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= 255]
    if len(set(whole)) != classes or len(given) != classes:
        raise SegkitError(
            f"{classes} classes need as many different whole numbers of 0…255",
            where=f"values={values}",
            remedy="for a binary task 'values=[0,255]', or leave it out for class indices",
        )
    return tuple(whole)
