"""``evaluation.csv``, ``evaluation_per_image.csv`` and ``objects.csv`` of objects."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.imaging.windows import bands
from segkit.tasks.instance.matching import COUNTS
from segkit.tasks.instance.metrics import CURVE, Counts, each
from segkit.tasks.instance.outcomes import FoundObject, TrueObject
from segkit.tasks.parts import Row

_BAND = 2**20  # pixels
# Of one image.
_SCORES = ("ap50_image", "ap_image", "pq", "aji", "dice_pooled", "count_error")
# Those that have an interval in ``evaluation.csv``.
INTERVALS = ("ap50", "ap", "ap50_image", "ap_image", "f1_50", "pq", "aji", "count_error")
CLASS_COLUMNS = (
    *("class", "data", "split"),
    *("n", "n_empty", "n_images", "n_images_empty", "n_images_both_empty", "n_true", "n_found"),
    *(*CURVE, "ap", "ap50_image", "ap_image", "kaggle_map"),
    *("f1_50", "precision_50", "recall_50", "pq", "sq", "rq", "aji"),
    *("count_error", "count_bias", "merged_share", "split_share"),
    *("recall_q1", "recall_q2", "recall_q3", "recall_q4"),
    *("dice", "dice_pooled", "iou"),
    *(f"{name}_{side}" for name in INTERVALS for side in ("low", "high")),
    *("loss", "threshold", "seed_threshold", "min_area", "halo", "split_hash"),
)
IMAGE_COLUMNS = ("id", "group", "split", "class", *COUNTS, *_SCORES)
OBJECT_COLUMNS = (
    *("id", "kind", "label", "area", "match", "iou", "outcome", "merges"),
    *("row", "column"),
)


def image_cells(counts_NC: Counts) -> list[Row]:
    """What ``evaluation_per_image.csv`` says of each image: its counts and scores."""
    of_each = {score: each(counts_NC, score) for score in _SCORES}
    return [
        {
            **dict(zip(COUNTS, counts_C.tolist(), strict=True)),
            **{score: float(values[n]) for score, values in of_each.items()},
        }
        for n, counts_C in enumerate(counts_NC)
    ]


def object_rows(
    true_objects: Sequence[TrueObject],
    found_objects: Sequence[FoundObject],
    truth_HW: NDArray[np.integer[Any]],
    found_HW: NDArray[np.integer[Any]],
) -> list[Row]:
    """The rows of ``objects.csv`` of one image: the true objects, then the found ones."""
    rows: list[Row] = []
    places = _centres(truth_HW, [one.id for one in true_objects])
    for one, (row, column) in zip(true_objects, places, strict=True):
        rows.append(
            {"kind": "true", "label": one.id, "area": one.area, "match": one.match, "iou": one.iou}
            | {"outcome": one.outcome, "row": row, "column": column}
        )
    places = _centres(found_HW, [one.id for one in found_objects])
    for each_found, (row, column) in zip(found_objects, places, strict=True):
        merges = " ".join(map(str, each_found.merges))
        rows.append(
            {
                "kind": "found",
                "label": each_found.id,
                "area": each_found.area,
                "match": each_found.match,
            }
            | {"iou": each_found.iou, "outcome": each_found.outcome, "merges": merges}
            | {"row": row, "column": column}
        )
    return rows


def _centres(labels_HW: NDArray[np.integer[Any]], ids: Sequence[int]) -> list[tuple[float, float]]:
    """Row and column of each label's centroid, in pixels from the first pixel's centre.

    Args:
        labels_HW: looked at by bands: what is computed of a pixel takes many times its memory.
        ids: of all its objects, ascending.
    """
    areas, down, across = np.zeros((3, len(ids)))
    height, width = labels_HW.shape
    for band in bands(height, width, _BAND):
        part = labels_HW[band]
        rows, columns = np.nonzero(part)
        places = np.searchsorted(ids, part[rows, columns])
        areas += np.bincount(places, minlength=len(ids))
        down += np.bincount(places, rows + band.start, minlength=len(ids))
        across += np.bincount(places, columns, minlength=len(ids))
    centres = zip((down / areas).tolist(), (across / areas).tolist(), strict=True)
    return [(round(row, 2), round(column, 2)) for row, column in centres]
