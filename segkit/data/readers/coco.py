"""Objects listed in COCO JSON: images, and annotations with outlines.

An image is found by its ``file_name``: beside the JSON, in ``images/`` there or one folder up, or
wherever a single file's path ends so. One that is listed without annotations has no objects. The
split is told by ``train``, ``val`` or ``test`` in the JSON's name, or by the folder it lies in.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Problem, Record
from segkit.core.errors import SegkitError
from segkit.data.readers.base import is_image
from segkit.data.readers.manifest import SPLIT_NAMES, GroupOf
from segkit.data.source import Source
from segkit.imaging.coco_shapes import outlined
from segkit.imaging.objects import Part

_SPLIT = re.compile(rf"(?<![a-z])({'|'.join(SPLIT_NAMES)})(?![a-z])")


@dataclass(frozen=True, slots=True)
class Picture:
    """What is annotated in one image.

    Attributes:
        size: rows and columns, or None where the JSON does not say.
        outlines: one an object, as COCO writes them.
        categories: their names, in the same order.
        crowds: annotations that are of many objects together.
    """

    size: tuple[int, int] | None
    outlines: list[Any]
    categories: list[str]
    crowds: int

    def parts(self, shape: tuple[int, int], where: str) -> list[Part]:
        """The pixels of each object.

        Raises:
            SegkitError: sizes differ, an outline cannot be drawn, or is of many objects.
        """
        if self.size not in (None, shape):
            raise SegkitError(
                f"an image of {shape[1]}×{shape[0]} pixels that COCO JSON gives as "
                f"{self.size[1]}×{self.size[0]}",  # type: ignore[index]  # not None
                where=where,
                remedy="export the annotations of this image again, at its own size",
            )
        if self.crowds:
            raise SegkitError(
                f"{self.crowds} annotations (iscrowd) that each hold many objects",
                where=where,
                remedy="outline their objects one by one, or leave the image out",
            )
        try:
            return [outlined(outline, shape) for outline in self.outlines]
        except ValueError as error:
            raise SegkitError(
                f"an annotation that cannot be drawn: {error}",
                where=where,
                remedy="export it as polygons or RLE, of this image's size",
            ) from error

    def classes(self, names: Sequence[str], where: str) -> NDArray[np.uint8]:
        """The class of each label, the background's first: (objects + 1,) uint8.

        With two classes every category is the second.

        Raises:
            SegkitError: of more classes, a category that has none of their names.
        """
        if len(names) == 2:
            return np.arange(len(self.categories) + 1).clip(0, 1).astype(np.uint8)
        known = {name: number for number, name in enumerate(names) if number}
        if unknown := sorted({*self.categories} - {*known}):
            raise SegkitError(
                f"the category {unknown[0]!r} is none of the classes {list(known)}",
                where=where,
                remedy="name the categories of the JSON in dataset.classes, background first; or "
                "take all as one: 'dataset.classes=[background,object]'",
            )
        return np.array([0, *(known[name] for name in self.categories)], np.uint8)


def is_json(name: str) -> bool:
    """Whether a file's name ends like JSON."""
    return name.lower().endswith(".json")


def coco_files(source: Source) -> list[str]:
    """The JSON files of a data set that hold images and outlines of objects."""
    names = filter(is_json, source.names())
    found = []
    for name in names:
        try:
            _parse(source, name)
        except SegkitError:  # any other JSON
            continue
        found.append(name)
    return found


def read_coco(
    source: Source, files: Sequence[str], group_of: GroupOf
) -> tuple[Listing, dict[str, Picture]]:
    """List the images that COCO JSON names, and what is annotated in each, by the image's file.

    Raises:
        SegkitError: a file is no such JSON.
    """
    images = defaultdict(list)
    for name in filter(is_image, source.names()):
        images[PurePosixPath(name).name].append(name)
    records: dict[str, Record] = {}
    pictures: dict[str, Picture] = {}
    problems = []
    for file in files:
        content = _parse(source, file)
        outlines = _outlines(content, file)
        for entry in content["images"]:
            stated = str(entry.get("file_name", "")).replace("\\", "/")
            name = _find(stated, file, images)
            if name is None:
                problems.append(Problem(f"{file}: {stated}", "a file that is not there"))
                continue
            key = _key(name)
            if key in records or name in pictures:
                problems.append(Problem(f"{file}: {stated}", "an image that is listed twice"))
                continue
            split = _split(file)
            records[key] = Record(key, group_of(key, key), name, (file,), split=split)
            pictures[name] = _picture(entry, outlines[entry.get("id")])
    return Listing([records[key] for key in sorted(records)], problems), pictures


def _parse(source: Source, file: str) -> dict[str, Any]:
    try:
        content = json.loads(source.read(file))
        kinds = [type(content[key]) for key in ("images", "annotations")]
        entries = [*content["images"], *content["annotations"]]
        drawn = [one for one in content["annotations"] if "segmentation" in one]
        good = kinds == [list, list] and all(isinstance(one, dict) for one in entries)
        if good and (drawn or not content["annotations"]):
            return dict(content)
        reason = "it lists no images with annotations that have a segmentation"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
    raise SegkitError(
        f"no COCO JSON of objects: {reason}",
        where=file,
        remedy="export the annotations as COCO instances: images, annotations, categories",
    )


def _outlines(content: dict[str, Any], file: str) -> defaultdict[Any, list[dict[str, Any]]]:
    """Annotations by the id of their image."""
    found: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    names = {one.get("id"): str(one.get("name")) for one in content.get("categories", [])}
    twice = [key for key, n in Counter(one.get("id") for one in content["images"]).items() if n > 1]
    if twice:
        raise SegkitError(
            f"two images with the id {twice[0]}", where=file, remedy="number the images apart"
        )
    for one in content["annotations"]:
        category = one.get("category_id")
        found[one.get("image_id")].append({**one, "category": names.get(category, str(category))})
    return found


def _picture(entry: dict[str, Any], annotations: Sequence[dict[str, Any]]) -> Picture:
    height, width = entry.get("height"), entry.get("width")
    known = isinstance(height, int) and isinstance(width, int)
    return Picture(
        size=(height, width) if known else None,  # type: ignore[arg-type]  # numbers, see above
        outlines=[one.get("segmentation") for one in annotations],
        categories=[one["category"] for one in annotations],
        crowds=sum(bool(one.get("iscrowd")) for one in annotations),
    )


def _find(stated: str, file: str, images: dict[str, list[str]]) -> str | None:
    """The file in the data set that an image entry means, unless none or several may be meant."""
    known = images.get(PurePosixPath(stated).name, [])
    home = PurePosixPath(file).parent
    places = (home, home / "images", home.parent, home.parent / "images")
    for place in places:
        if (name := (place / stated).as_posix()) in known:
            return name
    ending = f"/{stated.lstrip('/')}"
    fit = [name for name in known if f"/{name}".endswith(ending)]
    fit = fit if len(fit) == 1 else [name for name in fit if _split(name) == _split(file)]
    return fit[0] if len(fit) == 1 else None


def _key(image: str) -> str:
    """The image's path without suffix and without the folder ``images``."""
    path = PurePosixPath(image).with_suffix("")
    folders = [part for part in path.parts[:-1] if part.lower() != "images"]
    return PurePosixPath(*folders, path.name).as_posix()


def _split(file: str) -> str:
    """``train``, ``val`` or ``test`` as the file's name or its folders say it, the name first."""
    for part in reversed(PurePosixPath(file.lower()).with_suffix("").parts):
        if found := _SPLIT.findall(part):
            return SPLIT_NAMES[found[-1]]
    return ""
