"""Images and masks that belong together because their files are called alike."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from segkit.core.contracts import Listing, Problem, Record
from segkit.data.readers.base import is_image
from segkit.data.readers.manifest import SPLIT_NAMES, GroupOf, nfc
from segkit.data.readers.sequences import gather
from segkit.data.volumes import file_of
from segkit.imaging.formats.registry import bare

# Cellpose writes a_cp_masks.png.
MASK_WORDS = "(?:cp_)?masks?|seg|segmentations?|labels?|gt|ground_?truth|annotations?|manual1|1stHO"
_MASK_SUFFIX = re.compile(rf"[_-]({MASK_WORDS})$", re.IGNORECASE)
# By name, in lower case: what lies in a folder, and its split. The last four are nnU-Net's.
FOLDERS = {
    "images": ("images", ""),
    "masks": ("masks", ""),
    "imagestr": ("images", "train"),
    "labelstr": ("masks", "train"),
    "imagests": ("images", "test"),
    "labelsts": ("masks", "test"),
}

_NONE = (
    "call each mask like its image (masks/a.png of images/a.tif), or list the pairs in a table: "
    "dataset.manifest=FILE.csv"
)
_EMPTY = "if it has no object: write one black mask, masks/{}/none.png"


class _Place(NamedTuple):
    """Where a file lies: ``<tree>/images/<key>.png``; ``tree`` may end in a split's folder.

    Images below nnU-Net's folders have a number, of their sequence, whatever masks are called.
    """

    tree: tuple[str, ...]
    key: str
    split: str
    above_split: tuple[str, ...]
    numbered: bool


def _place(name: str) -> tuple[str, _Place] | None:
    """``images`` or ``masks``, and the place; None for a file that lies below neither."""
    # An archive may call a member ".".
    *folders, _ = parts = PurePosixPath(file_of(name)).parts or ("",)
    kinds = [i for i, part in enumerate(folders) if part.lower() in FOLDERS]
    if not kinds:
        return None
    kind, own = FOLDERS[folders[kinds[0]].lower()]
    tree, below = parts[: kinds[0]], parts[kinds[0] + 1 :]
    outer = SPLIT_NAMES.get(tree[-1].lower(), "") if tree else ""
    inner = SPLIT_NAMES.get(below[0].lower(), "") if len(below) > 1 else ""
    key = bare(PurePosixPath(*below).as_posix())
    above = tree[:-1] if outer else tree
    return kind, _Place(tree, key, own or outer or inner, above, bool(own))


def kinds(names: Iterable[str]) -> set[str]:
    """Which of ``images`` and ``masks`` image files lie below."""
    return {kind for kind in map(kind_of, filter(is_image, names)) if kind}


def kind_of(name: str) -> str:
    """``images`` or ``masks``, below which a file lies; "" for neither."""
    found = _place(name)
    return found[0] if found else ""


def one_file_an_object(record: Record) -> bool:
    """Whether a record's masks lie in a folder that is called like its image."""
    image, masks = _place(nfc(record.image)), [_place(nfc(name)) for name in record.masks]
    return bool(masks) and all(
        image is not None and mask is not None and _folder(mask[1]) == image[1] for mask in masks
    )


def _folder(place: _Place) -> _Place | None:
    """The place that a file's folder has, as if it were a file; None right below ``masks``."""
    above, found, _ = place.key.rpartition("/")
    return place._replace(key=above) if found else None


def pair(names: Mapping[str, str], group_of: GroupOf, more: Collection[str] = ()) -> Listing:
    """Give each image below an ``images`` folder the mask of its name below ``masks``.

    Or, where there is none, those in the folder of its name: one file an object. Folders of nnU-Net
    count too, and sequences that are numbered as it does are one image.

    Args:
        names: every file of the data set, as it is stored, by the name to pair it by.
        group_of: gives the group of (id, image), which are the same here.
        more: of them, those that are images without ending like one.

    Returns:
        Records in the order of their ids, which are the names below the folders that all
        share, without ``images`` and suffix: ``train/day1/a``.
    """
    images: dict[_Place, list[str]] = defaultdict(list)
    masks: dict[_Place, list[str]] = defaultdict(list)
    for name, stored in names.items():
        found = _place(name) if is_image(name) or name in more else None
        if found is not None:
            (images if found[0] == "images" else masks)[found[1]].append(stored)
    gathered = gather(images, masks)
    images = gathered.images
    owned = _owners(images, masks)
    apart = _in_folders(images, owned)
    # Where no mask is at all, images are there to be predicted: nothing was forgotten.
    masked = {place.split for place in masks}
    shared = _common([place.above_split for place in (*images, *masks)])
    records: dict[str, Record] = {}
    problems = gathered.problems
    for place, files in images.items():
        truth = sorted(apart.get(place) or owned.pop(place, []))
        if len(files) > 1:
            problems.append(Problem(files[1], f"the same name as {files[0]}"))
        elif len(truth) > 1 and place not in apart:
            problems.append(Problem(truth[1], f"a second mask beside {truth[0]}"))
        elif not truth and masked and (place.split != "test" or "test" in masked):
            remedy = _EMPTY.format(place.key) if apart else ""
            problems.append(Problem(files[0], "an image without a mask", remedy))
        else:
            key = "/".join((*place.tree[shared:], place.key))
            record = Record(
                key,
                group_of(key, key),
                files[0],
                tuple(truth),
                split=place.split,
                sequences=gathered.sequences.get(place, ()),
            )
            if records.setdefault(key, record) is not record:
                problems.append(Problem(files[0], f"the same name as {records[key].image}"))
    orphans = [name for files in owned.values() for name in files]
    problems += [Problem(name, "a mask without an image") for name in orphans]
    if orphans and not records:
        problems = [replace(each, remedy=each.remedy or _NONE) for each in problems]
    return Listing(
        [records[key] for key in sorted(records)], sorted(problems, key=lambda p: p.where)
    )


def _owners(
    images: Mapping[_Place, list[str]], masks: Mapping[_Place, list[str]]
) -> dict[_Place, list[str]]:
    """The image's place of each mask; a mask keeps its own place where no image is."""
    owned = {place: files for place, files in masks.items() if place in images}
    for place, files in masks.items():
        bare = place._replace(key=_MASK_SUFFIX.sub("", place.key))
        if place not in images:
            free = bare in images and bare not in masks
            owned.setdefault(bare if free else place, []).extend(files)
    return owned


def _in_folders(
    images: Mapping[_Place, list[str]], owned: dict[_Place, list[str]]
) -> dict[_Place, list[str]]:
    """Takes out of ``owned``, by image, the masks in a folder called like it, one an object."""
    found: dict[_Place, list[str]] = defaultdict(list)
    for place in [place for place in owned if place not in images]:
        folder = _folder(place)
        if folder is not None and folder in images and folder not in owned:
            found[folder] += owned.pop(place)
    return found


def _common(trees: Sequence[tuple[str, ...]]) -> int:
    """How many leading folders all trees share."""
    if not trees:
        return 0
    first, last = min(trees), max(trees)
    same = [a == b for a, b in zip(first, last, strict=False)]
    return same.index(False) if False in same else len(same)
