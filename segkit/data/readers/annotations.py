"""Objects outlined in JSON: COCO's, of many images, or LabelMe's, of one each."""

from typing import Any

from segkit.core.contracts import Listing, Problem
from segkit.core.errors import SegkitError
from segkit.data.readers.coco import Picture, is_coco, is_json, load_json, read_coco
from segkit.data.readers.labelme import labelled_shapes, read_labelme
from segkit.data.readers.manifest import GroupOf
from segkit.data.source import Source


def read_annotations(
    source: Source, group_of: GroupOf
) -> tuple[Listing, dict[str, Picture]] | None:
    """The images that JSON files outline objects in; None where no JSON does.

    Where COCO JSON is, LabelMe's is not read.

    Raises:
        SegkitError: a file cannot be read, so that it might be COCO JSON.
    """
    coco: dict[str, Any] = {}
    labelme: dict[str, Any] = {}
    refused: list[SegkitError] = []
    for name in filter(is_json, source.names()):
        try:
            content = load_json(source, name)
        except SegkitError as error:
            refused.append(error)
            continue
        if is_coco(content):
            coco[name] = content
        elif (shapes := labelled_shapes(content)) is not None:
            labelme[name] = shapes
    if refused and (coco or not labelme):
        raise refused[0]
    if coco:
        return read_coco(source, coco, group_of)
    if not labelme:
        return None
    found, pictures = read_labelme(source, labelme, group_of)
    # Each is of one image, which is left out with it.
    broken = [Problem(error.where, error.what, error.remedy) for error in refused]
    return Listing(found.records, [*found.problems, *broken]), pictures
