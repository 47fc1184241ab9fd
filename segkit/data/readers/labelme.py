"""Objects drawn in LabelMe: a JSON an image, with shapes that have a label.

The image is the one that ``imagePath`` names, or that is called like the JSON; the copy that
``imageData`` may hold is not read. Shapes of one label and one ``group_id`` are one object. The
split is told by a folder ``train``, ``val`` or ``test``.
"""

import posixpath
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from segkit.core.contracts import Listing, Problem, Record
from segkit.data.readers.base import is_image
from segkit.data.readers.coco import Picture
from segkit.data.readers.coco_places import Images, key_of
from segkit.data.readers.manifest import SPLIT_NAMES, GroupOf
from segkit.data.source import Source
from segkit.imaging.labelme_shapes import drawn_shapes


def labelled_shapes(content: Any) -> dict[str, Any] | None:
    """What LabelMe JSON says, without the image in it; None for another JSON."""
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list) or not all(
        isinstance(one, dict) and "label" in one and "points" in one for one in shapes
    ):
        return None
    if not (shapes or "imagePath" in content):
        return None
    return {key: value for key, value in content.items() if key != "imageData"}


def read_labelme(
    source: Source, files: Mapping[str, Any], group_of: GroupOf
) -> tuple[Listing, dict[str, Picture]]:
    """List the images that LabelMe JSON was drawn on, and what is drawn in each.

    Args:
        source: of the images.
        files: what each JSON holds.
        group_of: the group of a record.
    """
    images = Images(filter(is_image, source.names()))
    records: dict[str, Record] = {}
    pictures: dict[str, Picture] = {}
    problems = []
    for file, content in files.items():
        image = _image(images, file, str(content.get("imagePath") or ""))
        if image is None:
            problems.append(Problem(file, "an image that is not there", "place it beside it"))
            continue
        key = key_of(image)
        if key in records:
            problems.append(Problem(file, f"a second JSON beside {records[key].masks[0]}"))
            continue
        records[key] = Record(key, group_of(key, key), image, (file,), split=_split(image))
        pictures[image] = _picture(content)
    return Listing([records[key] for key in sorted(records)], problems), pictures


def _split(image: str) -> str:
    """By the folders alone: an image called ``test_1.png`` is of no split."""
    folders = reversed(PurePosixPath(image.lower()).parts[:-1])
    return next((SPLIT_NAMES[folder] for folder in folders if folder in SPLIT_NAMES), "")


def _image(images: Images, file: str, stated: str) -> str | None:
    home = PurePosixPath(file).parent
    path = PurePosixPath(posixpath.normpath((home / stated.replace("\\", "/")).as_posix()))
    return (
        images.find(path.as_posix(), "")
        or images.called(home, PurePosixPath(file).stem)
        or images.find(path.name, file)
    )


def _picture(content: Mapping[str, Any]) -> Picture:
    height, width = content.get("imageHeight"), content.get("imageWidth")
    objects: dict[object, list[Any]] = {}
    for number, shape in enumerate(content["shapes"]):
        group = shape.get("group_id")
        known = (str(shape["label"]), str(group)) if group is not None else number
        objects.setdefault(known, []).append(shape)
    return Picture(
        size=(height, width) if isinstance(height, int) and isinstance(width, int) else None,
        outlines=list(objects.values()),
        categories=[str(shapes[0]["label"]) for shapes in objects.values()],
        crowds=0,
        drawn=drawn_shapes,
    )
