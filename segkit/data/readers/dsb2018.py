"""Nuclei of the 2018 Data Science Bowl.

Source: Broad Bioimage Benchmark Collection, BBBC038v1,
    https://bbbc.broadinstitute.org/BBBC038
Licence: CC0 1.0.
Layout: ``<id>/images/<id>.png`` (RGBA, 256×256 to 1040×1388) and ``<id>/masks/*.png``, one
    nucleus a file. Also ``train/inputs/*.png`` with ``train/masks/*.png`` of the same names
    (and ``test/``). ``stage1_test`` has images only.
Classes: background, nucleus. Instance labels are kept.
Splits: none published in the first layout; the folders ``train`` and ``test`` in the second.
    Drawn ones are balanced over the imaging type (fluorescence, stained, bright-field), and
    keep fields of view together. 565 of the 664 images of ``stage1_train`` are parts of 143 fields;
    ``dsb2018_fields.csv`` beside this file names them, by the first twelve of their 64 digits. 76
    squares of four are those of data/folds.csv in https://github.com/selimsef/dsb2018_topcoders
    (867f5f3, MIT). The others were found and looked at for this table: borders that continue each
    other, which also join squares to larger fields, two photographs that overlap, and two planes
    of one embryo. Every other image is a group of its own.
Citation: Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data
    Science Bowl, Nature Methods 16, 2019.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Problem, Record, Sample, check_size
from segkit.core.errors import SegkitError
from segkit.core.tables import read_table
from segkit.data.download import fetch
from segkit.data.readers.base import Reader, is_image
from segkit.data.readers.overlaps import Overlaps, touching
from segkit.imaging.components import components
from segkit.imaging.masks import above
from segkit.imaging.objects import Part, draw, filled
from segkit.imaging.pixels import Pixels, decode

URL = "https://data.broadinstitute.org/bbbc/BBBC038/stage1_train.zip"
HOME = Path("data/dsb2018")  # the folder that conf/dataset/dsb2018.yaml names
# An image of the challenge is named by 64 hexadecimal digits; the table has the first of them.
_DIGITS, _PREFIX = 64, 12


class Dsb2018(Reader):
    """See the module's text.

    Args:
        root: folder or zip; a missing one is fetched when ``download`` is true.
        download: whether to fetch the published archive to ``root`` when nothing is there.
    """

    has_objects = True
    layout = (
        "<id>/images/<id>.png with <id>/masks/*.png, or train/inputs/*.png with train/masks/*.png"
    )

    def __init__(self, root: str | Path, *, download: bool = False) -> None:
        super().__init__(root, classes=("background", "nucleus"))
        self.download = download
        self._overlaps = Overlaps()

    def scan(self) -> Listing:
        """Pair each image with its nucleus masks.

        Raises:
            SegkitError: the root is missing and cannot be fetched.
        """
        if self.download and not self.root.exists():
            fetch(URL, self.root, home=HOME)
        names = [name for name in self.source.names() if is_image(name)]
        found = _scan_nucleus_files(names)
        flat = _scan_flat_folders(names)
        return Listing(found.records + flat.records, found.problems + flat.problems)

    def read(self, record: Record) -> Sample:
        """Decode an image and merge its masks; instance k+1 is the k-th mask file.

        Where nuclei overlap, the later file has the pixels.

        Raises:
            SegkitError: a file is damaged, or a mask is not of whole numbers or of another size.
        """
        image = self.read_image(record)
        if not record.labelled:
            return Sample(image, None)
        if _is_flat(record):
            foreground = _foreground(self._stored(record.masks[0]))
            return Sample(image, foreground.astype(np.uint8), components(foreground))
        drawn = draw((image.shape[0], image.shape[1]), self._nuclei(record, image))
        self._overlaps.add(record, drawn)
        return Sample(image, (drawn.labels > 0).astype(np.uint8), drawn.labels)

    def _nuclei(self, record: Record, image: NDArray[np.uint8]) -> Iterator[Part]:
        for name in record.masks:
            pixels = self._stored(name)
            check_size(image, pixels, f"{record.image} and {name}")
            box = filled(pixels)  # a nucleus is a thousandth of the image
            yield box, _foreground(pixels[box])

    def cautions(self) -> list[Problem]:
        """For a task of objects: nuclei that overlap, and masks that tell none apart."""
        if not self.objects:
            return []
        records = [record for record in self._found.records if record.labelled]
        single = [record for record in records if not _is_flat(record)]
        self._overlaps.look(single, self.read)
        flat = [record for record in records if _is_flat(record)]
        return [*touching(flat), *self._overlaps.cautions("by file name")]

    def _stored(self, name: str) -> Pixels:
        where = self.source.where(name)
        pixels = decode(self.source.read(name), where)
        if pixels.dtype.kind not in "bu":
            raise SegkitError(
                f"a mask of {pixels.dtype}, expected 8 bits",
                where=where,
                remedy="save masks with 0 and 255",
            )
        return pixels

    def stratum(self, record: Record, image: NDArray[np.uint8]) -> str:
        """Imaging type, decided from the pixels."""
        del record
        return imaging_type(image)


def _foreground(pixels: Pixels) -> NDArray[np.bool_]:
    # Some community fixes of the labels were saved with smoothed edges, some as 0 and 1.
    plain = pixels.max(initial=0) <= 1
    return above(pixels, 0 if plain else np.iinfo(pixels.dtype).max // 2)


def imaging_type(image: NDArray[np.uint8]) -> str:
    """Tell fluorescence, stained and bright-field apart.

    Colour first: a stained section has a mean spread between its largest and smallest channel
    above 8 of 255. Of the grey ones a fluorescence image has a dark background (median below
    100), a bright-field image a light one.

    Args:
        image: (H, W) or (H, W, C) uint8.

    Returns:
        ``"stained"``, ``"fluorescence"`` or ``"brightfield"``.
    """
    # Plane by plane: NumPy is ten times slower along an axis of three.
    planes = np.ascontiguousarray(np.moveaxis(np.atleast_3d(image)[..., :3], -1, 0))
    if len(planes) == 3 and float(np.mean(planes.max(axis=0) - planes.min(axis=0))) > 8:
        return "stained"
    median = float(np.median(planes.sum(axis=0, dtype=np.uint16))) / len(planes)
    return "fluorescence" if median < 100 else "brightfield"


def field_of_view(name: str) -> str:
    """The group of an image: ``field-000`` to ``field-142``, or its own name where it is alone."""
    number = _fields().get(name[:_PREFIX]) if len(name) == _DIGITS else None
    return name if number is None else f"field-{number}"


@cache
def _fields() -> dict[str, str]:
    table = read_table(Path(__file__).with_name("dsb2018_fields.csv"))
    return {row["id"]: row["field"] for row in table}


def _is_flat(record: Record) -> bool:
    """Whether all nuclei of the image lie in one mask."""
    return len(record.masks) == 1 and "/inputs/" in f"/{record.image}"


def _scan_nucleus_files(names: list[str]) -> Listing:
    """``…/<id>/images/<id>.png`` and ``…/<id>/masks/*.png``."""
    images: dict[PurePosixPath, list[str]] = defaultdict(list)
    masks: dict[PurePosixPath, list[str]] = defaultdict(list)
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) >= 3 and path.parts[-3] not in ("train", "test"):
            kind = {"images": images, "masks": masks}.get(path.parent.name)
            if kind is not None:
                kind[path.parent.parent].append(name)
    folders = sorted(images.keys() | masks.keys())
    count = Counter(folder.name for folder in folders)
    # A tree in which no image has a mask is stage1_test: images to predict, not mistakes.
    trees = {folder.parent for folder in masks}
    records, problems = [], []
    for folder in folders:
        if len(images[folder]) != 1:
            what = "a mask without an image" if not images[folder] else "several images for one id"
            problems.append(Problem(where=str(folder), what=what))
        elif not masks[folder] and folder.parent in trees:
            problems.append(Problem(where=images[folder][0], what="an image without a mask"))
        else:
            # One id in two trees is one image: two records of one group.
            key = folder.name if count[folder.name] == 1 else str(folder)
            truth = tuple(sorted(masks[folder]))
            records.append(Record(key, field_of_view(folder.name), images[folder][0], truth))
    return Listing(records, problems)


def _scan_flat_folders(names: list[str]) -> Listing:
    """``train/inputs/x.png`` and ``train/masks/x.png``, likewise ``test``."""
    images: dict[tuple[str, str], str] = {}
    masks: dict[tuple[str, str], str] = {}
    records, problems = [], []
    for name in names:
        path = PurePosixPath(name)
        kind = {"inputs": images, "masks": masks}.get(path.parent.name)
        if kind is not None and len(path.parts) >= 3 and path.parts[-3] in ("train", "test"):
            other = kind.setdefault((path.parts[-3], path.stem), name)
            if other != name:
                problems.append(Problem(where=name, what=f"the same name as {other}"))
    masked = {split for split, _ in masks}
    for key in sorted(images.keys() | masks.keys()):
        split, stem = key
        if key not in images:
            problems.append(Problem(where=masks[key], what="a mask without an image"))
        elif key not in masks and masked and (split in masked or split == "train"):
            problems.append(Problem(where=images[key], what="an image without a mask"))
        else:
            name = f"{split}/{stem}"
            truth = (masks[key],) if key in masks else ()
            field = field_of_view(stem)
            group = name if field == stem else field
            records.append(Record(name, group, images[key], truth, split=split))
    return Listing(records, problems)
