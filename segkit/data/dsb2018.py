"""Nuclei of the 2018 Data Science Bowl.

Source: Broad Bioimage Benchmark Collection, BBBC038v1,
    https://bbbc.broadinstitute.org/BBBC038
Licence: CC0 1.0.
Layout: ``<id>/images/<id>.png`` (RGBA, 256×256 to 1040×1388) and ``<id>/masks/*.png``, one
    nucleus a file. Also ``train/inputs/*.png`` with ``train/masks/*.png`` of the same names
    (and ``test/``). ``stage1_test`` has images only.
Classes: background, nucleus. Instance labels are kept.
Splits: none published in the first layout; the folders ``train`` and ``test`` in the second.
    Drawn ones are balanced over the imaging type (fluorescence, stained, bright-field).
Citation: Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data
    Science Bowl, Nature Methods 16, 2019.
"""

from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segkit.contracts import Listing, Problem, Record, Sample
from segkit.data.base import Reader, is_image
from segkit.data.download import fetch
from segkit.images import decode

URL = "https://data.broadinstitute.org/bbbc/BBBC038/stage1_train.zip"


class Dsb2018(Reader):
    """See the module's text.

    Args:
        root: folder or zip; a missing one is fetched when ``download`` is true.
        download: whether to fetch the published archive to ``root`` when nothing is there.
    """

    layout = (
        "<id>/images/<id>.png with <id>/masks/*.png, or train/inputs/*.png with train/masks/*.png"
    )

    def __init__(self, root: str | Path, *, download: bool = False) -> None:
        super().__init__(root, classes=("background", "nucleus"))
        self.download = download

    def scan(self) -> Listing:
        """Pair each image with its nucleus masks.

        Raises:
            SegkitError: the root is missing and cannot be fetched.
        """
        if self.download and not self.root.exists():
            fetch(URL, self.root)
        names = [name for name in self.source.names() if is_image(name)]
        found = _scan_nucleus_files(names)
        flat = _scan_flat_folders(names)
        return Listing(found.records + flat.records, found.problems + flat.problems)

    def read(self, record: Record) -> Sample:
        """Decode an image and merge its masks; instance k+1 is the k-th mask file."""
        image = self.read_image(record.image)
        if not record.labelled:
            return Sample(image, None)
        if len(record.masks) == 1 and "/inputs/" in f"/{record.image}":
            foreground = self._read_mask(record.masks[0])
            objects, _ = ndimage.label(foreground, structure=np.ones((3, 3)))
            return Sample(image, foreground.astype(np.uint8), np.asarray(objects, np.int32))
        instances = np.zeros(image.shape[:2], np.int32)
        for number, name in enumerate(record.masks, start=1):
            nucleus = self._read_mask(name)
            if nucleus.shape != instances.shape:
                # The common check names both files and both sizes.
                return Sample(image, nucleus.astype(np.uint8))
            instances[nucleus] = number
        return Sample(image, (instances > 0).astype(np.uint8), instances)

    def _read_mask(self, name: str) -> NDArray[np.bool_]:
        pixels = decode(self.source.read(name), self.source.where(name))
        if pixels.ndim == 3:  # without the alpha channel
            pixels = pixels[..., : -1 if pixels.shape[2] in (2, 4) else None].max(axis=2)
        # Some community fixes of the labels were saved with smoothed edges.
        half = 0 if pixels.dtype == np.bool_ else np.iinfo(pixels.dtype).max // 2
        return np.asarray(pixels > half)

    def stratum(self, record: Record, image: NDArray[np.uint8]) -> str:
        """Imaging type, decided from the pixels."""
        del record
        return imaging_type(image)


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
    if image.ndim == 3 and image.shape[2] >= 3:
        colours = image[..., :3]
        if float(np.mean(colours.max(axis=2).astype(np.int16) - colours.min(axis=2))) > 8:
            return "stained"
    grey = image if image.ndim == 2 else image[..., :3].mean(axis=2)
    return "fluorescence" if float(np.median(grey)) < 100 else "brightfield"


def _scan_nucleus_files(names: list[str]) -> Listing:
    """``…/<id>/images/<id>.png`` and ``…/<id>/masks/*.png``."""
    images: dict[str, list[str]] = defaultdict(list)
    masks: dict[str, list[str]] = defaultdict(list)
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) >= 3 and path.parts[-3] not in ("train", "test"):
            kind = {"images": images, "masks": masks}.get(path.parent.name)
            if kind is not None:
                kind[path.parent.parent.as_posix()].append(name)
    records, problems = [], []
    # A tree in which no image has a mask is stage1_test: images to predict, not mistakes.
    expect_masks = bool(masks)
    for folder in sorted(images.keys() | masks.keys()):
        if len(images[folder]) != 1:
            what = "a mask without an image" if not images[folder] else "several images for one id"
            problems.append(Problem(where=folder, what=what))
        elif expect_masks and not masks[folder]:
            problems.append(Problem(where=images[folder][0], what="an image without a mask"))
        else:
            key = PurePosixPath(folder).name
            records.append(Record(key, key, images[folder][0], tuple(sorted(masks[folder]))))
    return Listing(records, problems)


def _scan_flat_folders(names: list[str]) -> Listing:
    """``train/inputs/x.png`` and ``train/masks/x.png``, likewise ``test``."""
    images: dict[tuple[str, str], str] = {}
    masks: dict[tuple[str, str], str] = {}
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) >= 3 and path.parts[-3] in ("train", "test"):
            key = (path.parts[-3], path.stem)
            if path.parent.name == "inputs":
                images[key] = name
            elif path.parent.name == "masks":
                masks[key] = name
    records, problems = [], []
    for split, stem in sorted(images.keys() | masks.keys()):
        key = (split, stem)
        if key not in images:
            problems.append(Problem(where=masks[key], what="a mask without an image"))
        elif key not in masks:
            problems.append(Problem(where=images[key], what="an image without a mask"))
        else:
            name = f"{split}/{stem}"
            records.append(Record(name, name, images[key], (masks[key],), split=split))
    return Listing(records, problems)
