"""Objects listed in COCO JSON: images, and annotations with outlines.

An image is found by its ``file_name``: beside the JSON, in ``images/`` there or one folder up, or
wherever a single file's path ends so. One that is listed without annotations has no objects. The
split is told by ``train``, ``val`` or ``test`` in the JSON's name, or by the folder it lies in.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Problem, Record
from segkit.core.errors import SegkitError, did_you_mean
from segkit.data.readers.base import is_image
from segkit.data.readers.coco_places import Images, key_of, split_of
from segkit.data.readers.manifest import GroupOf
from segkit.data.source import Source
from segkit.imaging.coco_shapes import outlined
from segkit.imaging.objects import Part


@dataclass(frozen=True, slots=True)
class Picture:
    """What is annotated in one image.

    Attributes:
        size: rows and columns, or None where the JSON does not say.
        outlines: one an object, as :attr:`drawn` takes them.
        categories: their names, in the same order.
        crowds: annotations that are of many objects together.
        drawn: gives the pixels of one, in an image of rows and columns.
    """

    size: tuple[int, int] | None
    outlines: list[Any]
    categories: list[str]
    crowds: int
    drawn: Callable[[Any, tuple[int, int]], Part] = outlined

    def parts(self, shape: tuple[int, int], where: str) -> Iterator[Part]:
        """The pixels of each object.

        Raises:
            SegkitError: sizes differ, an outline cannot be drawn, or is of many objects.
        """
        if self.size and self.size != shape:
            raise SegkitError(
                f"an image of {shape[1]}×{shape[0]} pixels that its JSON gives as "
                f"{self.size[1]}×{self.size[0]}",
                where=where,
                remedy="export the annotations of this image again, at its own size",
            )
        if self.crowds:
            raise SegkitError(
                f"{self.crowds} annotations (iscrowd) that each hold many objects",
                where=where,
                remedy="outline their objects one by one, or leave the image out",
            )
        for outline in self.outlines:
            try:
                part = self.drawn(outline, shape)
            except ValueError as error:
                raise SegkitError(
                    f"an annotation that cannot be drawn: {error}",
                    where=where,
                    remedy="draw it as a polygon, or export it as RLE, of this image's size",
                ) from error
            yield part

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


def is_coco(content: Any) -> bool:
    """Whether JSON has images and outlines of objects."""
    return not _missing(content)


def named_file(source: Source, name: str) -> dict[str, Any]:
    """What the JSON file holds that ``dataset.manifest`` names, by its name.

    Raises:
        SegkitError: it is not in the data set, or no such JSON.
    """
    if name in (names := source.names()):
        return {name: _parse(source, name)}
    others = list(filter(is_json, names))
    raise SegkitError(
        "the manifest is not there",
        where=f"dataset.manifest={name}",
        remedy="name a JSON file inside dataset.root"
        + (f" ({did_you_mean(name, others)})" if others else ""),
    )


def read_coco(
    source: Source, files: Mapping[str, Any], group_of: GroupOf
) -> tuple[Listing, dict[str, Picture]]:
    """List the images that COCO JSON names, and what is annotated in each, by the image's file.

    Args:
        source: of the images.
        files: what each JSON file holds.
        group_of: the group of a record.

    Raises:
        SegkitError: two images of a file have the same id.
    """
    images = Images(filter(is_image, source.names()))
    records: dict[str, Record] = {}
    pictures: dict[str, Picture] = {}
    problems = []
    for file, content in files.items():
        outlines = _outlines(content, file)
        for entry in content["images"]:
            annotations = outlines.pop(str(entry.get("id")), [])
            stated = str(entry.get("file_name", "")).replace("\\", "/")
            image = images.find(stated, file)
            if image is None:
                problems.append(Problem(f"{file}: {stated}", "a file that is not there"))
                continue
            key = key_of(image)
            if key in records or image in pictures:
                problems.append(Problem(f"{file}: {stated}", "an image that is listed twice"))
                continue
            split = split_of(file)
            records[key] = Record(key, group_of(key, key), image, (file,), split=split)
            pictures[image] = _picture(entry, annotations)
        if outlines:
            what = f"{sum(map(len, outlines.values()))} annotations of images that are not listed"
            problems.append(Problem(file, what, "list their images, or delete them"))
    return Listing([records[key] for key in sorted(records)], problems), pictures


def load_json(source: Source, file: str) -> Any:
    """What a JSON file holds.

    Raises:
        SegkitError: it cannot be read.
    """
    try:
        return json.loads(source.read(file))
    except (ValueError, RecursionError) as error:
        raise SegkitError(
            f"JSON that cannot be read: {' '.join(str(error).split())[:120]}",
            where=source.where(file),
            remedy="export it again; what is no part of the data set: move it out of dataset.root",
        ) from error


def _missing(content: Any) -> str:
    """What a JSON lacks to be COCO of objects, or ""."""
    if not isinstance(content, dict):
        return "an object with images and annotations"
    for key in ("images", "annotations"):
        entries = content.get(key)
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            return f"a list of {key}"
    drawn = any("segmentation" in one for one in content["annotations"])
    return "" if drawn or not content["annotations"] else "annotations with a segmentation"


def _parse(source: Source, file: str) -> Any:
    content = load_json(source, file)
    if missing := _missing(content):
        raise SegkitError(
            f"no COCO JSON of objects: it lacks {missing}",
            where=source.where(file),
            remedy="export the annotations as COCO instances: images, annotations, categories",
        )
    return content


def _outlines(content: dict[str, Any], file: str) -> dict[str, list[dict[str, Any]]]:
    """Annotations by the id of their image."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    listed = content.get("categories")
    categories = (
        [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    )
    names = {str(one.get("id")): str(one.get("name")) for one in categories}
    twice = [
        key for key, n in Counter(str(one.get("id")) for one in content["images"]).items() if n > 1
    ]
    if twice:
        raise SegkitError(
            f"two images with the id {twice[0]}", where=file, remedy="number the images apart"
        )
    for one in content["annotations"]:
        category = str(one.get("category_id"))
        found[str(one.get("image_id"))].append({**one, "category": names.get(category, category)})
    return found


def _picture(entry: dict[str, Any], annotations: Sequence[dict[str, Any]]) -> Picture:
    height, width = entry.get("height"), entry.get("width")
    return Picture(
        size=(height, width) if isinstance(height, int) and isinstance(width, int) else None,
        outlines=[one.get("segmentation") for one in annotations],
        categories=[one["category"] for one in annotations],
        crowds=sum(bool(one.get("iscrowd")) for one in annotations),
    )
