"""``evaluation.csv``, ``evaluation_per_image.csv`` and ``objects.csv`` of objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Record
from segkit.imaging.windows import bands
from segkit.tasks.instance.matching import COUNTS
from segkit.tasks.instance.metrics import CURVE, each
from segkit.tasks.instance.outcomes import FoundObject, TrueObject
from segkit.tasks.parts import Row
from segkit.tasks.tally import Counted

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


def image_rows(
    counted: Counted,
    records: Sequence[Record],
    splits: Mapping[str, str],
    name: str,
    extras: Mapping[int, Mapping[str, Row]],
) -> list[Row]:
    """The rows of ``evaluation_per_image.csv``.

    Args:
        counted: of the split.
        records: of the data set.
        splits: by record id; a record without one has an empty cell.
        name: of the class.
        extras: further columns by position and class.
    """
    of_each = {score: each(counted.counts, score) for score in _SCORES}
    rows: list[Row] = []
    for n, (index, counts_C) in enumerate(zip(counted.indices, counted.counts, strict=True)):
        record = records[index]
        about = {"id": record.id, "group": record.group, "split": splits.get(record.id, "")}
        numbers = dict(zip(COUNTS, counts_C.tolist(), strict=True))
        scores = {score: float(values[n]) for score, values in of_each.items()}
        more = extras.get(index, {}).get(name, {})
        rows.append({**about, "class": name, **numbers, **scores, **more})
    return rows


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
