"""Lungs in the Montgomery and Shenzhen chest radiographs.

Source: National Library of Medicine, Tuberculosis Chest X-ray Image Data Sets,
    https://lhncbc.nlm.nih.gov/LHC-downloads/downloads.html. Montgomery: 138 radiographs with
    masks of both lungs. Shenzhen: 662, of which 566 have masks, drawn later by others.
Licence: images free for research with the citations below; Shenzhen masks CC BY-NC-SA 4.0.
Layout: below any folders, and several side by side,
    Montgomery ``CXR_png/<stem>.png`` with ``ManualMask/{leftMask,rightMask}/<stem>.png`` beside
    it, merged, both required;
    Shenzhen ``CXR_png/<stem>.png`` with ``<stem>_mask.png`` in any folder;
    both in one ``CXR_png`` with ``masks/<stem>_mask.png`` and ``masks/<stem>.png``;
    ``train_images/<id>/{images,masks}/*.png`` with ``test_images/<id>/<id>.png`` (no masks).
    Up to 4892×4020 pixels of 8 to 16 bits, grey or colour. Of the published stems (``MCUCXR_…``,
    ``CHNCXR_…``) each counts once, should an archive hold its tree twice.
Classes: background, lung. A mask's foreground is 1 in a mask of 0 and 1, otherwise what lies above
    half of its type's range.
Splits: none published; ``test_images`` and the radiographs of Shenzhen without a mask (as
    published) are ``unlabelled``. In the other layouts a missing mask is a mistake. Drawn splits
    are balanced over the set (montgomery, shenzhen), told by the names, or in ``train_images`` by
    the film: half of Montgomery's is darker than 112 of 255, as it ends in wide black borders.
    (Of 360 such images its darkest 69 all bear the label that Montgomery's do; their medians end at
    106, the others' begin at 117.) A group is a patient, of one radiograph.
Citation: Jaeger et al., Two public chest X-ray datasets for computer-aided screening of pulmonary
    diseases, Quant Imaging Med Surg 4(6), 2014; Candemir et al., Lung segmentation in chest
    radiographs using anatomical atlases with nonrigid registration, IEEE Trans Med Imaging 33(2),
    2014. Shenzhen masks: Stirenko et al., Chest X-ray analysis of tuberculosis by deep learning
    with segmentation and augmentation, IEEE ELNANO 2018.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from posixpath import commonpath

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import UNLABELLED, Listing, Problem, Record, Sample, check_sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader, is_image
from segkit.imaging.masks import above
from segkit.imaging.pixels import decode

_SETS = {"MCUCXR": "montgomery", "CHNCXR": "shenzhen"}
_DARK = 112  # of 255: medians of Montgomery's films lie below
_FINDINGS = {"0": "normal", "1": "abnormal"}


class ChestXray(Reader):
    """See the module's text.

    Args:
        root: folder or zip with any of the layouts.
    """

    layout = (
        "CXR_png/*.png with ManualMask/{leftMask,rightMask}/*.png or *_mask.png, "
        "or train_images/<id>/{images,masks}/*.png"
    )

    version = 2

    def __init__(self, root: str | Path) -> None:
        super().__init__(root, classes=("background", "lung"))

    def scan(self) -> Listing:
        """Pair each radiograph with its mask or masks.

        Raises:
            SegkitError: the root is missing or not readable.
        """
        names = [name for name in self.source.names() if is_image(name)]
        folders = _scan_id_folders(names)
        published = _scan_published(names)
        records = _with_unique_ids(folders.records + published.records)
        return Listing(records, folders.problems + published.problems)

    def read(self, record: Record) -> Sample:
        """Decode a radiograph and merge its masks."""
        image = self.read_image(record)
        if not record.labelled:
            return Sample(image, None)
        lungs = np.zeros(image.shape[:2], np.uint8)
        for name in record.masks:
            lung = self._read_mask(name).astype(np.uint8)
            # Names the one of several masks that differs in size.
            check_sample(Sample(image, lung), replace(record, masks=(name,)), len(self.classes))
            lungs |= lung
        return Sample(image, lungs)

    def stratum(self, record: Record, image: NDArray[np.uint8]) -> str:
        """The set that a radiograph comes from."""
        return record.stratum or ("montgomery" if np.median(image) < _DARK else "shenzhen")

    def _read_mask(self, name: str) -> NDArray[np.bool_]:
        where = self.source.where(name)
        pixels = decode(self.source.read(name), where)
        highest = int(pixels.max(initial=0)) if pixels.dtype.kind in "bu" else -1
        if highest in (0, 1):
            return above(pixels, 0)
        half = np.iinfo(pixels.dtype).max // 2 if highest > 1 else 0
        if highest <= half:
            raise SegkitError(
                f"a mask of {pixels.dtype} with {pixels.max()} as its highest value",
                where=where,
                remedy="save the lung as 1, or as the highest value of the type (255)",
            )
        return above(pixels, half)


def _scan_id_folders(names: Sequence[str]) -> Listing:
    """``…/train_images/<id>/{images,masks}/*.png`` and ``…/test_images/<id>/*.png``."""
    images: dict[PurePosixPath, list[str]] = defaultdict(list)
    masks: dict[PurePosixPath, list[str]] = defaultdict(list)
    for name in names:
        path = PurePosixPath(name)
        folders = path.parts[-4:-1]
        if folders[-2:-1] == ("test_images",):
            images[path.parent].append(name)
        elif folders[:1] == ("train_images",) and folders[-1] in ("images", "masks"):
            (images if folders[-1] == "images" else masks)[path.parent.parent].append(name)
    records, problems = [], []
    for folder in sorted(images.keys() | masks.keys()):
        unlabelled = folder.parent.name == "test_images"
        if len(images[folder]) != 1:
            several = "several images for one id"
            what = several if images[folder] else "a mask without an image"
            where = ", ".join(images[folder] or masks[folder])
            problems.append(Problem(where=where, what=what))
        elif not unlabelled and not masks[folder]:
            problems.append(Problem(where=images[folder][0], what="an image without a mask"))
        else:
            split = UNLABELLED if unlabelled else ""
            image, found = images[folder][0], tuple(masks[folder])
            records.append(Record(folder.name, folder.name, image, found, split=split))
    return Listing(records, problems)


@dataclass
class _Files:
    """What there is of the NLM layouts; masks by (folder of the set, stem) or by stem."""

    images: list[str] = field(default_factory=list)
    left: dict[tuple[str, str], str] = field(default_factory=dict)
    right: dict[tuple[str, str], str] = field(default_factory=dict)
    plain: dict[tuple[str, str], str] = field(default_factory=dict)
    suffixed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def _sort_files(names: Sequence[str]) -> _Files:
    files = _Files()
    for name in names:
        path = PurePosixPath(name)
        folders = path.parts[:-1]
        if {"train_images", "test_images"} & set(folders):
            continue
        if path.stem.endswith("_mask"):
            files.suffixed[path.stem.removesuffix("_mask")].append(name)
        elif folders[-1:] == ("CXR_png",):
            files.images.append(name)
        elif folders[-2:-1] == ("ManualMask",) and folders[-1] in ("leftMask", "rightMask"):
            side = files.left if folders[-1] == "leftMask" else files.right
            side["/".join(folders[:-2]), path.stem] = name
        elif folders[-1:] in (("mask",), ("masks",)):
            files.plain["/".join(folders[:-1]), path.stem] = name
    return files


def _scan_published(names: Sequence[str]) -> Listing:
    """The layouts with ``CXR_png``."""
    files = _sort_files(names)
    records: dict[str, Record] = {}
    problems, used = [], set[str]()
    by_side = {base for base, _ in files.left | files.right}
    with_masks = by_side | {base for base, _ in files.plain}
    # The shortest path first: of a tree that is there twice, the outer one counts.
    for name in sorted(files.images, key=lambda n: (n.count("/"), n)):
        base, stem = _base(name), PurePosixPath(name).stem
        masks = _find_masks(files, name)
        used.update(masks)
        known = _SETS.get(stem[:6].upper())
        origin = known or ("montgomery" if base in by_side else "shenzhen")
        patient = stem if known else f"{base}/{stem}".lstrip("/")
        if patient in records:
            continue
        if len(masks) == 1 and _folder(masks[0]) in ("leftMask", "rightMask"):
            problems.append(Problem(where=name, what=f"only one lung has a mask: {masks[0]}"))
        elif not masks and origin == "montgomery" and base in with_masks:
            problems.append(Problem(where=name, what="an image without a mask"))
        else:
            records[patient] = _record(name, patient, origin, masks)
    found = sorted(records.values(), key=lambda record: record.image)
    return Listing(found, problems + _orphans(files, used))


def _find_masks(files: _Files, image: str) -> tuple[str, ...]:
    """Both sides, else ``<stem>_mask`` in the nearest folder, else the name in ``masks/``."""
    key = _base(image), PurePosixPath(image).stem
    sides = tuple(side[key] for side in (files.left, files.right) if key in side)
    if sides:
        return sides
    suffixed = files.suffixed.get(key[1], ())
    if suffixed:
        return (max(suffixed, key=lambda name: len(commonpath([name, image]))),)
    return (files.plain[key],) if key in files.plain else ()


def _orphans(files: _Files, used: Set[str]) -> list[Problem]:
    """Masks of no image; none without images, for then the masks are some other data set's."""
    if not files.images:
        return []
    stems = {PurePosixPath(name).stem for name in files.images}
    lone = [name for side in (files.left, files.right) for name in side.values()]
    lone += [name for (_, stem), name in files.plain.items() if stem not in stems]
    lone += [n for stem, names in files.suffixed.items() if stem not in stems for n in names]
    return [Problem(where=n, what="a mask without an image") for n in sorted(set(lone) - used)]


def _record(name: str, patient: str, origin: str, masks: tuple[str, ...]) -> Record:
    stem = PurePosixPath(name).stem
    finding = _FINDINGS.get(stem.rpartition("_")[2])
    facts = {"finding": finding} if finding else {}
    split = "" if masks else UNLABELLED
    return Record(stem, patient, name, masks, split=split, stratum=origin, facts=facts)


def _folder(name: str) -> str:
    return PurePosixPath(name).parent.name


def _base(image: str) -> str:
    """The folder above ``CXR_png``, "" at the root."""
    folder = PurePosixPath(image).parent.parent.as_posix()
    return "" if folder == "." else folder


def _with_unique_ids(records: Sequence[Record]) -> list[Record]:
    """Name by the path what would share its id with another record."""
    count = Counter(record.id for record in records)
    return [
        replace(record, id=record.image.rpartition(".")[0]) if count[record.id] > 1 else record
        for record in records
    ]
