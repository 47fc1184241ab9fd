"""``evaluation.csv`` and ``evaluation_per_image.csv``: an empty cell is an undefined value."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import numpy as np

from segkit.statistics.intervals import mean_where_defined
from segkit.tasks.parts import Row
from segkit.tasks.semantic.metrics import COUNTS, Counts, Scores, Values, dice, iou

CLASS_COLUMNS = (
    "class",
    "data",
    "split",
    *(field.name for field in fields(Scores)),
    "dice_low",
    "dice_high",
    "iou_low",
    "iou_high",
    "hd95",
    "surface_dice",
    "surface_tolerance",
    "loss",
    "ece",
    "threshold",
    "split_hash",
)
IMAGE_COLUMNS = (
    "id",
    "group",
    "split",
    "class",
    *COUNTS,
    "dice",
    "iou",
    "hd95",
    "surface_dice",
)


def class_rows(
    scores: Mapping[str, Scores],
    intervals: Mapping[str, Values],
    surfaces: Sequence[Values],
    *,
    whole: Mapping[str, object],
    every: Mapping[str, object],
) -> list[Row]:
    """The rows of ``evaluation.csv``.

    Args:
        scores: by class, ``all`` last.
        intervals: (K, 2) lower and upper bounds, by the score's name, in the order of ``scores``.
        surfaces: (K - 1, 2) HD95 and surface Dice of each image; empty where not measured.
        whole: columns of the row ``all`` alone.
        every: columns of every row.
    """
    means = _surface_means(surfaces, len(scores))
    rows: list[Row] = []
    for k, (name, values) in enumerate(scores.items()):
        bounds = {
            f"{score}_{side}": float(bounds_K2[k, b])
            for score, bounds_K2 in intervals.items()
            for b, side in enumerate(("low", "high"))
        }
        surface = dict(zip(("hd95", "surface_dice"), means[k].tolist(), strict=True))
        row = {"class": name, **asdict(values), **bounds, **surface, **every}
        rows.append({**row, **(whole if name == "all" else {})})
    return rows


def _surface_means(surfaces: Sequence[Values], count: int) -> Values:
    """(count, 2) means over images where defined, of each class and, last, over classes."""
    if not surfaces:
        return np.full((count, 2), np.nan)
    classes_K2 = mean_where_defined(np.stack(surfaces))
    return np.concatenate([classes_K2, mean_where_defined(classes_K2)[None]])


def image_cells(counts_K4: Counts, classes: Sequence[str]) -> dict[str, Row]:
    """What ``evaluation_per_image.csv`` says of an image, by foreground class."""
    return {
        name: {
            **dict(zip(COUNTS, four.tolist(), strict=True)),
            "dice": float(dice(four)),
            "iou": float(iou(four)),
        }
        for name, four in zip(classes[1:], counts_K4[1:], strict=True)
    }
