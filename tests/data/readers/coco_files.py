"""Data sets of COCO JSON, as its tests make them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from tests.data.mask_files import soft
from tests.data.readers.labels import SIDE, picture

SQUARE = [[2, 3, 12, 3, 12, 9, 2, 9]]
DISC = soft() > 127


def runs(mask: NDArray[np.bool_]) -> dict[str, Any]:
    found = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": found["size"], "counts": found["counts"].decode()}


def plain(mask: NDArray[np.bool_]) -> dict[str, Any]:
    flat = np.concatenate([[0], mask.ravel(order="F"), [2]])
    edges = np.flatnonzero(np.diff(flat.astype(int)))
    counts = np.diff(np.concatenate([[0], edges])).tolist()
    return {"size": list(mask.shape), "counts": counts}


def listed(pictures: dict[str, list[Any]], **more: Any) -> dict[str, Any]:
    """COCO's content: outlines by file name, or (outline, category, …)."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, outlines) in enumerate(pictures.items(), start=7):
        images.append({"id": number, "file_name": name, "height": SIDE, "width": SIDE})
        for outline in outlines:
            one = outline if isinstance(outline, dict) and "id" in outline else {}
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": 1, "iscrowd": 0}
                | (one or {"segmentation": outline})
            )
    categories = [{"id": 1, "name": "cell"}, {"id": 2, "name": "debris"}]
    return {"images": images, "annotations": annotations, "categories": categories, **more}


def coco_set(root: Path, files: dict[str, dict[str, Any]], images: list[str]) -> Path:
    for name in images:
        picture(root / name)
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(content))
    return root
