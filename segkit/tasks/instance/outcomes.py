"""What became of every object, one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segkit.tasks.instance.matching import Matching


@dataclass(frozen=True, slots=True)
class TrueObject:
    """What became of a true object.

    Attributes:
        id: its label.
        area: pixels.
        match: label of the prediction that it matches at IoU >= 0.5.
        iou: the highest with any prediction; 0 where none touches it.
        outcome: ``found`` where it has a match, and else why it has none: ``merged`` where one
            prediction covers over half of it and of others too, ``split`` where over half of it
            is covered, but only by several predictions together, ``missed`` otherwise. The scores
            ``merged_share`` and ``split_share`` count what is found in spite of it, too.
    """

    id: int
    area: int
    match: int | None
    iou: float
    outcome: Literal["found", "missed", "merged", "split"]


@dataclass(frozen=True, slots=True)
class FoundObject:
    """What a predicted object is.

    Attributes:
        id: its label.
        area: pixels.
        match: label of the true object that it matches at IoU >= 0.5.
        iou: the highest with any true object; 0 where it touches none.
        merges: labels of the true objects that it covers by over half, where these are several.
        outcome: ``matched`` or ``false``.
    """

    id: int
    area: int
    match: int | None
    iou: float
    merges: tuple[int, ...]
    outcome: Literal["matched", "false"]


@dataclass(frozen=True, slots=True)
class AreaQuartile:
    """Recall of a quarter of the true objects, by area.

    Attributes:
        quartile: 1 is of the smallest objects.
        smallest, largest: areas in it, pixels; both 0 where it is empty.
        n: objects; equal areas are in one quartile, so that these may differ. Where they are so
            many that two of the bounds are one, there are no quarters: all four are empty.
        recall: share of them that are found; NaN where there are none.
    """

    quartile: int
    smallest: int
    largest: int
    n: int
    recall: float


def outcomes(matching: Matching) -> tuple[list[TrueObject], list[FoundObject]]:
    """Every true and every predicted object, in the order of their labels."""
    m = matching
    match_T, match_F = np.full(len(m.true_ids_T), -1), np.full(len(m.found_ids_F), -1)
    match_T[m.true_P[m.matches]] = m.found_ids_F[m.found_P[m.matches]]
    match_F[m.found_P[m.matches]] = m.true_ids_T[m.true_P[m.matches]]
    # The last one stands for the objects without a pair, whose best is -1.
    iou_T = np.append(m.iou, 0.0)[m.best]
    iou_F = np.zeros(len(m.found_ids_F))
    np.maximum.at(iou_F, m.found_P, m.iou)
    lost_T = np.where(m.merged, "merged", np.where(m.split, "split", "missed"))
    outcome_T = np.where(match_T > 0, "found", lost_T)
    covered: dict[int, list[int]] = {}
    for pair in m.covering.tolist():
        covered.setdefault(int(m.found_P[pair]), []).append(int(m.true_ids_T[m.true_P[pair]]))
    true_columns = (m.true_ids_T, m.true_areas_T, match_T, iou_T, outcome_T)
    return [
        TrueObject(id_, area, match if match > 0 else None, iou, outcome)
        for id_, area, match, iou, outcome in zip(*(c.tolist() for c in true_columns), strict=True)
    ], [
        FoundObject(
            int(m.found_ids_F[place]),
            int(m.found_areas_F[place]),
            match if match > 0 else None,
            float(iou_F[place]),
            tuple(sorted(covered[place])) if m.merging[place] else (),
            "matched" if match > 0 else "false",
        )
        for place, match in enumerate(match_F.tolist())
    ]


def recall_by_area(objects: Sequence[TrueObject]) -> list[AreaQuartile]:
    """Recall at IoU >= 0.5 by quartile of area: small objects are what is lost first.

    Args:
        objects: of all images of a split, in any order.
    """
    areas = np.array([one.area for one in objects], np.int64)
    found = np.array([one.match is not None for one in objects], bool)
    bounds = np.quantile(areas, [0.25, 0.5, 0.75]) if len(areas) else np.zeros(3)
    quartile_N = np.searchsorted(bounds, areas) + 1
    if len(np.unique(bounds)) < len(bounds):
        quartile_N[:] = 0  # of none
    rows = []
    for quartile in range(1, 5):
        own = quartile_N == quartile
        n, some = int(own.sum()), areas[own] if own.any() else np.zeros(1, np.int64)
        recall = int(found[own].sum()) / n if n else np.nan
        rows.append(AreaQuartile(quartile, int(some.min()), int(some.max()), n, recall))
    return rows
