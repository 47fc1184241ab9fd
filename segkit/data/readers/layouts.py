"""Other layouts of images and masks, named as if they were ``images/`` and ``masks/``.

A row of the table is two patterns, of an image's name and of a mask's, in which the same ``tree``
and ``key`` make a pair. It is taken where it makes one; of several rows the first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

from segkit.core.errors import SegkitError
from segkit.core.shell import argument
from segkit.data.readers.base import is_image
from segkit.data.readers.manifest import SPLIT_NAMES, nfc
from segkit.data.readers.pairs import MASK_WORDS, kinds
from segkit.imaging.formats.registry import bare

_NUMBERED = re.compile(rf"(?P<key>.+?)[_-](?:{MASK_WORDS})(?:[_-]?(?P<number>\d+))?", re.IGNORECASE)
# Words of a challenge's name that differ between its images and its masks, as ISIC has them.
_TASK = re.compile(r"[_-](?:Task|Part)[\d-]+", re.IGNORECASE)
_SPLITS = {**SPLIT_NAMES, "training": "train", "testing": "test"}


class _Layout(NamedTuple):
    image: str
    mask: str


def _below(words: str, key: str = ".+") -> str:
    return rf"(?P<tree>(?:.*/)?)(?P<folder>{words})/(?P<key>{key})"


_IMAGES = "images?|imgs?|inputs?"
_MASKS = "masks?|labels?|annotations?|gt|ground_?truths?|segmentations?"
_LAYOUTS = (
    # DRIVE: its folder mask/ holds the field of view.
    _Layout(
        _below("images", "[^/]+?") + "(?:_training|_test)?",
        _below("1st_manual", "[^/]+") + "_manual1",
    ),
    _Layout(_below("JPEGImages"), _below("SegmentationClass")),  # Pascal VOC
    _Layout(_below(_IMAGES), _below(_MASKS)),
    # Carvana: train/ and train_masks/; ISIC: …_Training_Input/ and …_Training_GroundTruth/.
    _Layout(
        rf"(?P<tree>(?:.*/)?(?P<stem>[^/]+?)(?:[_-](?:{_IMAGES}|data))?)/(?P<key>[^/]+)",
        rf"(?P<tree>(?:.*/)?(?P<stem>[^/]+)[_-](?:{_MASKS}))/(?P<key>[^/]+)",
    ),
    # In one folder: DRIVE's, and BUSI's and many others' a.png, a_mask.png, a_mask_1.png.
    _Layout(
        r"(?P<tree>(?:.*/)?)(?P<key>[^/]+)_(?:training|test)",
        r"(?P<tree>(?:.*/)?)(?P<key>[^/]+)_manual1",
    ),
    _Layout(
        rf"(?P<tree>(?:.*/)?)(?P<key>(?![^/]*[_-](?:{MASK_WORDS})(?:[_-]?\d+)?$)[^/]+)",
        rf"(?P<tree>(?:.*/)?)(?P<key>[^/]+[_-](?:{MASK_WORDS})(?:[_-]?\d+)?)",
    ),
)


def as_pairs(names: Iterable[str], images: str | None, masks: str | None) -> dict[str, str]:
    """Names below ``images/`` and ``masks/`` for files in any layout that is known.

    Args:
        names: every file of the data set.
        images: the folder of the images, where it is named.
        masks: of the masks.

    Returns:
        The stored names, by what they are to be paired by: letters and accents are one.

    Raises:
        SegkitError: masks lie in two places, or none in the folders that are named.
    """
    plain: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (nfc(name) != name, name)):
        # Where both are there, the other stays as it is, and is told to lack its mask.
        plain[name if nfc(name) in plain else nfc(name)] = name
    files = {name: stored for name, stored in plain.items() if is_image(name)}
    if images is not None or masks is not None:
        words = [re.escape(given.strip("/")) if given else "" for given in (images, masks)]
        layout = _Layout(_below(words[0] or _IMAGES), _below(words[1] or _MASKS))
        if found := _view(files, layout):
            return _numbered(found)
        given = {"dataset.images": images, "dataset.masks": masks}
        told = [argument(key, value) for key, value in given.items() if value is not None]
        raise SegkitError(
            "no image and mask of one name in these folders",
            where=" ".join(told),
            remedy=f"{suggested(files)}or list them in a table: dataset.manifest=FILE.csv",
        )
    if kinds(files) < {"images", "masks"}:
        for layout in _LAYOUTS:
            if found := _view(files, layout):
                return _numbered(found)
    return _numbered(plain)


def _view(files: Mapping[str, str], layout: _Layout) -> dict[str, str]:
    """The files of a layout by their new names; empty where it makes no pair."""
    # Most layouts are seen at once not to be it.
    if not (masks := _matches(files, layout.mask)):
        return {}
    places = {"masks": masks, "images": _matches(files, layout.image)}
    homes = {_home(found) for found in masks.values()}
    view: dict[str, str] = {}
    keys: dict[str, set[str]] = defaultdict(set)
    folders: dict[str, set[str]] = defaultdict(set)
    for kind, found in places.items():
        for name, match in found.items():
            home, key = _home(match), match["key"]
            if kind == "images" and (
                name in masks or ("stem" in _named(match) and home not in homes)
            ):
                continue
            called = f"{home}{kind}/{key}"
            view.setdefault(called + name[len(bare(name)) :], files[name])
            keys[kind] |= (
                {f"{home}{key}", f"{home}{_key(key)}"} if kind == "masks" else {home + key}
            )
            if "folder" in _named(match):
                folders[called].add(f"{match['tree']}{match['folder']}/")
    if not keys["images"] & keys["masks"]:
        return {}
    _check_alone(folders)
    return view


def _matches(names: Iterable[str], pattern: str) -> dict[str, re.Match[str]]:
    found = {name: re.fullmatch(pattern, bare(name), re.IGNORECASE | re.DOTALL) for name in names}
    return {name: match for name, match in found.items() if match is not None}


def _named(found: re.Match[str]) -> Mapping[str, int]:
    """The groups of a pattern that have names."""
    return found.re.groupindex


def _key(key: str) -> str:
    found = _NUMBERED.fullmatch(key)
    return found["key"] if found else key


def _home(found: re.Match[str]) -> str:
    return _tree(found["tree"], found.groupdict().get("stem"))


@lru_cache(maxsize=4096)
def _tree(tree: str, stem: str | None) -> str:
    """What lies above both folders; training and test as a split is called."""
    if stem:
        stem = _TASK.sub("", stem)
        split = _SPLITS.get(re.split("[_-]", stem)[-1].lower())
        tree = f"{PurePosixPath(tree).parent}/{split or stem}/".removeprefix("./")
    # What is called like these folders itself would be taken for them.
    parts = [part for part in PurePosixPath(tree).parts if not kinds([f"{part}/a.png"])]
    if parts:
        parts[-1] = _SPLITS.get(parts[-1].lower(), parts[-1])
    return "".join(f"{part}/" for part in parts)


def _check_alone(folders: Mapping[str, set[str]]) -> None:
    for called, several in folders.items():
        if len(several) > 1:
            kind = "images" if PurePosixPath(called).parent.name == "images" else "masks"
            names = [PurePosixPath(folder).name for folder in sorted(several)]
            ways = " or ".join(argument(f"dataset.{kind}", name) for name in names)
            raise SegkitError(
                f"{len(several)} folders may hold the {kind}",
                where=", ".join(sorted(several)),
                remedy=f"say which: {ways}",
            )


def _numbered(view: Mapping[str, str]) -> dict[str, str]:
    """With several masks of an image, ``a_mask`` and ``a_mask_1``, in a folder of its name."""
    pictures = {bare(name) for name in view if is_image(name)}
    several: dict[str, dict[str, str]] = defaultdict(dict)
    for name in view:
        stem = bare(name)
        found = _NUMBERED.fullmatch(stem)
        if (
            found is None
            or not is_image(name)
            or re.sub(_MASK_FOLDER, r"\1images/", stem) in pictures
        ):
            continue
        image = re.sub(_MASK_FOLDER, r"\1images/", found["key"])
        if image != found["key"] and image in pictures:
            several[found["key"]][name] = f"{found['key']}/{PurePosixPath(name).name}"
    renamed = {
        name: new
        for found in several.values()
        if len(found) > 1 and any(re.search(r"\d$", bare(name)) for name in found)
        for name, new in found.items()
    }
    return {renamed.get(name, name): stored for name, stored in view.items()}


_MASK_FOLDER = re.compile(r"^((?:.*?/)??)masks/", re.IGNORECASE)


def suggested(names: Iterable[str]) -> str:
    """Two folders with images of the same names, and the settings that read them; or nothing."""
    stems: dict[str, set[str]] = defaultdict(set)
    masks = set[str]()
    for name in filter(is_image, names):
        path = PurePosixPath(name)
        folder, stem = path.parent.as_posix(), bare(path.name)
        stems[folder].add(_key(stem))
        if _key(stem) != stem or re.fullmatch(_MASKS, path.parent.name, re.IGNORECASE):
            masks.add(folder)
    found = sorted(stems, key=lambda folder: (-len(stems[folder]), folder))
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            shared = len(stems[one] & stems[other])
            if PurePosixPath(one).parent == PurePosixPath(other).parent and shared:
                pair = sorted((one, other), key=masks.__contains__)
                ways = zip(("dataset.images", "dataset.masks"), pair, strict=True)
                way = " ".join(argument(key, PurePosixPath(folder).name) for key, folder in ways)
                return (
                    f"{pair[0]}/ and {pair[1]}/ have {shared} names in common: "
                    f"say which holds what, as in {way}; "
                )
    return ""
