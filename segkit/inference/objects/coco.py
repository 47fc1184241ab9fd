"""Objects as COCO JSON, with run lengths for masks: polygons of COCO hold no holes."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.files import atomic_path
from segkit.imaging.windows import Sliced, windows

# Of a file that segkit wrote, the beginning.
BEGIN = '{"info":{"description":"segkit"},"annotations":['


def annotations(labels: Sliced) -> Iterator[dict[str, Any]]:
    """What COCO says of each object of a label image, from the top down.

    Args:
        labels: (H, W) integers, read by bands.

    Yields:
        All but the numbers of annotation and image; ``label`` holds the object's value.
    """
    height, width = labels.shape
    for window in windows(labels):
        for label, top, left, mask in window.objects():
            counts = run_lengths(mask, top, left, (height, width))
            yield {
                "category_id": 1,
                "label": label,
                "bbox": [left, top, mask.shape[1], mask.shape[0]],
                "area": int(mask.sum()),
                "iscrowd": 0,
                "segmentation": {"size": [height, width], "counts": counts},
            }


def write_coco(
    path: Path,
    images: Iterable[tuple[str, tuple[int, int], Iterable[dict[str, Any]]]],
    *,
    category: str,
) -> None:
    """Write the objects of some images; images and annotations are numbered from 1.

    Annotations are written one after the other; the file appears whole or not at all.

    Args:
        path: of the file.
        images: name of each image file, its rows and columns, and its :func:`annotations`.
        category: what the objects are called; the category's number is 1.

    Raises:
        SegkitError: the file cannot be written.
    """
    table: list[dict[str, Any]] = []
    number = 0
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(BEGIN)
        for image, (name, (height, width), found) in enumerate(images, start=1):
            table.append({"id": image, "file_name": name, "height": height, "width": width})
            for annotation in found:
                number += 1
                stream.write(",\n" if number > 1 else "\n")
                stream.write(compact({"id": number, "image_id": image, **annotation}))
        stream.write(f'\n],\n"images":{compact(table)}')
        stream.write(f',\n"categories":{compact([{"id": 1, "name": category}])}}}\n')


def run_lengths(mask: NDArray[np.bool_], top: int, left: int, size: tuple[int, int]) -> list[int]:
    """COCO's uncompressed run lengths of an object in an image of ``size``.

    Args:
        mask: (h, w) bool, with at least one pixel of the object.
        top: row of the image in which the mask begins.
        left: column likewise.
        size: rows and columns of the image.

    Returns:
        Lengths of background and object in turn, column by column, from background on, which may
        be 0.
    """
    height, width = size
    columns = np.pad(mask.T, ((0, 0), (1, 1))).astype(np.int8)
    column, row = np.nonzero(np.diff(columns, axis=1))
    # Begin and end of each run in turn, since none goes on into the next column of the mask.
    changes = (left + column).astype(np.int64) * height + top + row
    # One that ends a column of the image may go on at the top of the next.
    goes_on = np.flatnonzero(changes[1:-1:2] == changes[2::2])
    changes = np.delete(changes, np.concatenate([2 * goes_on + 1, 2 * goes_on + 2]))
    lengths: list[int] = np.diff(changes, prepend=0, append=height * width).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def compact(value: object) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
