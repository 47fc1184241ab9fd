"""Nuclei of DynamicNuclearNet, the data set behind DeepCell's nuclear model.

Source: DeepCell datasets, https://datasets.deepcell.org, DynamicNuclearNet segmentation.
Licence: non-commercial academic use.
Layout: ``{train,valid,test}/{images,masks}/*.jpg`` below any folders (4,950, 1,417 and 717 pairs
    of 512×512), or the original ``train.npz``, ``val.npz`` and ``test.npz`` (also
    ``<name>_train.npz``, …) with ``X`` (N, H, W, 1) float32 and ``y`` (N, H, W, 1) integer
    instance labels. Where ``X`` has two channels (nuclear, membrane) the first is read; where
    ``y`` has two (whole cell, nuclear) the last. ``.npz`` members are streamed; their pickled
    ``meta`` is never opened. Other folders and ``.npz`` files are not looked at.
Classes: background, nucleus. Instance labels are kept. The masks of the first layout are JPEG:
    above 127 is nucleus, which leaves the ringing out; an instance there is a connected
    component (8 neighbours), so nuclei that touch count as one.
Splits: train, valid (or val) and test, as published.
Citation: Schwartz et al., Caliban: Accurate cell tracking and lineage construction in live-cell
    imaging experiments with deep learning, bioRxiv 2023.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import UNLABELLED, Listing, Problem, Record, Sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader, is_image
from segkit.data.readers.npz import NpzArray, NpzFiles
from segkit.data.readers.overlaps import touching
from segkit.imaging.channels import as_grey
from segkit.imaging.components import components
from segkit.imaging.pixels import decode, to_uint8

_SPLITS = {"train": "train", "valid": "val", "val": "val", "test": "test"}
_NPZ_NAME = re.compile(r"(?:.*[_-])?(train|valid|val|test)\.npz", re.IGNORECASE)
# "train.npz#17" is image 17 of that file, "train.npz#17.y" its labels.
_NPZ_ITEM = re.compile(r"(.+\.npz)#(\d+)(?:\.y)?", re.IGNORECASE)


class DeepCell(Reader):
    """See the module's text.

    Args:
        root: folder or zip with either layout.
    """

    has_objects = True
    layout = (
        "{train,valid,test}/{images,masks}/*.jpg, "
        "or train.npz, val.npz and test.npz with the arrays X and y"
    )

    def __init__(self, root: str | Path) -> None:
        super().__init__(root, classes=("background", "nucleus"))

    @cached_property
    def _npz(self) -> NpzFiles:
        return NpzFiles(self.source)

    def scan(self) -> Listing:
        """Pair the JPEGs by name, and the items of ``X`` and ``y`` by position.

        Raises:
            SegkitError: the root is missing, or an ``.npz`` is damaged or holds no plain arrays.
        """
        found = _scan_pictures([name for name in self.source.names() if is_image(name)])
        arrays = self._scan_npz()
        return Listing(found.records + arrays.records, found.problems + arrays.problems)

    def read(self, record: Record) -> Sample:
        """Decode one pair; intensities are scaled as :attr:`intensity` says.

        Raises:
            SegkitError: a file is damaged, an intensity is not finite, or a label is negative.
        """
        if _NPZ_ITEM.fullmatch(record.image):
            return self._scale(record, *self._read_items(record))
        image = self.read_image(record)
        if not record.labelled:
            return Sample(image, None)
        foreground = self._read_mask(record.masks[0])
        return Sample(image, foreground.astype(np.uint8), components(foreground))

    def cautions(self) -> list[Problem]:
        """For a task of objects: masks of pictures tell none apart."""
        pictures = [
            record
            for record in self._found.records
            if record.labelled and not _NPZ_ITEM.fullmatch(record.image)
        ]
        return touching(pictures) if self.objects else []

    def loaders(self, records: Sequence[Record]) -> Iterator[Callable[[], Sample]]:
        """One call a record; arrays are read here, front to back, and scaled in the call.

        A call holds one raw image and its labels, so only as many should wait as memory allows.
        """
        for record in records:
            if not _NPZ_ITEM.fullmatch(record.image):
                yield partial(self.read, record)
                continue
            try:
                items = self._read_items(record)
            except SegkitError as error:
                # Raised from the call, so that a bad record can be left out.
                yield partial(_fail, error)
            else:
                yield partial(self._scale, record, *items)

    def files(self, record: Record) -> tuple[str, ...]:
        """The ``.npz`` for what lies in one, otherwise the image and its mask."""
        item = _NPZ_ITEM.fullmatch(record.image)
        return (item[1],) if item else super().files(record)

    def _scan_npz(self) -> Listing:
        names = [n for n in self.source.names() if _NPZ_NAME.fullmatch(PurePosixPath(n).name)]
        short = Counter(PurePosixPath(name).name for name in names)
        records, problems = [], []
        for name in names:
            path = PurePosixPath(name)
            images, labels = self._npz.array(name, "X"), self._npz.array(name, "y")
            problem = _array_problem(images, labels)
            if problem or images is None:
                problems.append(Problem(where=name, what=problem))
                continue
            split = _SPLITS[_npz_split(path.name)]
            stem = path.name if short[path.name] == 1 else name
            for index in range(len(images)):
                key, item = f"{stem}#{index}", f"{name}#{index}"
                records.append(Record(key, key, item, (f"{item}.y",), split=split))
        return Listing(records, problems)

    def _read_items(self, record: Record) -> tuple[NDArray[Any], NDArray[Any]]:
        item = _NPZ_ITEM.fullmatch(record.image)
        assert item is not None
        images, labels = self._npz.array(item[1], "X"), self._npz.array(item[1], "y")
        assert images is not None
        assert labels is not None
        return images.item(int(item[2])), labels.item(int(item[2]))

    def _scale(self, record: Record, image: NDArray[Any], labels: NDArray[Any]) -> Sample:
        plane = np.array(image[..., 0] if image.ndim == 3 else image)
        nuclei = labels[..., -1] if labels.ndim == 3 else labels
        if nuclei.size and not 0 <= int(nuclei.min()) <= int(nuclei.max()) < 2**31:
            raise SegkitError(
                f"instance labels from {nuclei.min()} to {nuclei.max()}",
                where=self.source.where(record.masks[0]),
                remedy="number the nuclei from 1 up and the background 0",
            )
        instances = nuclei.astype(np.int32)
        pixels = self.scaled(record, [(self.source.where(record.image), plane)])
        return Sample(pixels, (instances > 0).astype(np.uint8), instances)

    def _read_mask(self, name: str) -> NDArray[np.bool_]:
        where = self.source.where(name)
        stored = decode(self.source.read(name), where)
        if stored.dtype not in (np.uint8, np.bool_):
            raise SegkitError(
                f"a mask of {stored.dtype}, expected 8 bits",
                where=where,
                remedy="save masks with 0 and 255",
            )
        return np.asarray(as_grey(to_uint8(stored, where)) > 127)


def _fail(error: SegkitError) -> Sample:
    raise error


def _npz_split(file: str) -> str:
    named = _NPZ_NAME.fullmatch(file)
    assert named is not None
    return named[1].lower()


def _array_problem(images: NpzArray | None, labels: NpzArray | None) -> str:
    """Why X and y cannot be paired, or ""."""
    if images is None:
        return "an .npz file without the array X"
    if labels is None:
        return "images without labels: the array y is missing"
    for name, shape in (("X", images.shape), ("y", labels.shape)):
        if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 2)):
            return f"{name} of shape {shape}, expected (N, H, W, 1) or (N, H, W, 2)"
    if labels.dtype.kind == "f":
        return f"y of {labels.dtype}, expected integer instance labels"
    if len(images) != len(labels):
        return f"{len(images)} images in X, but {len(labels)} masks in y"
    return ""


def _scan_pictures(names: list[str]) -> Listing:
    """``…/{train,valid,test}/images/x.jpg`` with ``…/masks/x.jpg``."""
    images: dict[tuple[str, str], list[str]] = defaultdict(list)
    masks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        path = PurePosixPath(name)
        kind = {"images": images, "masks": masks}.get(path.parent.name)
        if kind is not None and path.parent.parent.name in _SPLITS:
            kind[path.parent.parent.as_posix(), path.stem].append(name)
    keys = sorted(images.keys() | masks.keys())
    short = Counter((PurePosixPath(folder).name, stem) for folder, stem in keys)
    records, problems = [], []
    # A tree in which no image has a mask is there to be predicted, not a mistake.
    expect_masks = bool(masks)
    for key in keys:
        problem = _pair_problem(images[key], masks[key] if expect_masks else [""])
        if problem is not None:
            problems.append(problem)
            continue
        folder = PurePosixPath(key[0])
        unique = short[folder.name, key[1]] == 1
        name = f"{folder.name if unique else folder}/{key[1]}"
        split = _SPLITS[folder.name] if expect_masks else UNLABELLED
        records.append(Record(name, name, images[key][0], tuple(masks[key]), split=split))
    return Listing(records, problems)


def _pair_problem(images: list[str], masks: list[str]) -> Problem | None:
    if not images:
        return Problem(where=masks[0], what="a mask without an image")
    if not masks:
        return Problem(where=images[0], what="an image without a mask")
    if len(images) > 1:
        return Problem(where=", ".join(images), what="several images for one id")
    if len(masks) > 1:
        return Problem(where=", ".join(masks), what="several masks for one image")
    return None
