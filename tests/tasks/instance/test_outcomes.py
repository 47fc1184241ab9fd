"""What became of objects drawn by hand."""

import numpy as np
import pytest

from segkit.tasks.instance.matching import match
from segkit.tasks.instance.outcomes import TrueObject, outcomes, recall_by_area


def test_two_halves_compete_for_one_object() -> None:
    whole, halves = np.array([[5, 5, 5, 5]]), np.array([[9, 9, 2, 2]])
    (truth,), found = outcomes(match(whole, halves))
    assert truth == TrueObject(id=5, area=4, match=9, iou=0.5, outcome="found")
    assert [one.outcome for one in found] == ["false", "matched"]  # 2, 9
    true, (one,) = outcomes(match(halves, whole))
    assert [t.match for t in true] == [None, 5]
    assert (one.match, one.iou, one.outcome, one.merges) == (9, 0.5, "matched", (2, 9))


def test_merged_split_missed_and_false() -> None:
    truth = np.array(
        [
            [1, 1, 1, 2, 2, 2, 0, 0],
            [3, 3, 3, 3, 3, 3, 0, 0],
            [4, 4, 0, 0, 0, 0, 0, 0],
            [5, 5, 5, 0, 0, 0, 0, 0],
            [6, 6, 6, 6, 6, 6, 6, 6],
        ]
    )
    found = np.array(
        [
            [11, 11, 11, 11, 11, 11, 11, 0],
            [12, 12, 13, 13, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 14, 14, 0],
            [5, 5, 5, 0, 0, 0, 0, 0],
            [15, 15, 15, 0, 0, 0, 0, 0],
        ]
    )
    true, predicted = outcomes(match(truth, found))
    assert {t.id: t.outcome for t in true} == {
        **{1: "merged", 2: "merged", 3: "split", 4: "missed", 5: "found"},
        6: "missed",  # 3 of 8 covered
    }
    assert {f.id: f.outcome for f in predicted} == {
        **{5: "matched", 11: "false", 12: "false", 13: "false", 14: "false", 15: "false"}
    }
    assert {f.id: f.merges for f in predicted if f.merges} == {11: (1, 2)}
    assert {t.id: t.iou for t in true} == pytest.approx(
        {1: 3 / 7, 2: 3 / 7, 3: 1 / 3, 4: 0, 5: 1, 6: 3 / 8}
    )
    iou_of = {f.id: f.iou for f in predicted}
    assert (iou_of[5], iou_of[14]) == (1, 0)
    assert iou_of[11] == pytest.approx(3 / 7)  # of two true objects alike
    assert iou_of[12] == iou_of[13] == pytest.approx(1 / 3)


def test_a_large_object_is_found_although_a_small_one_is_merged_into_it() -> None:
    truth = np.array([[1] * 8 + [2] * 2])
    true, (one,) = outcomes(match(truth, np.full_like(truth, 4)))
    assert [t.outcome for t in true] == ["found", "merged"]
    assert (one.outcome, one.match, one.merges) == ("matched", 1, (1, 2))
    assert match(truth, np.full_like(truth, 4)).merged.tolist() == [True, True]


def objects(*areas_and_found: tuple[int, bool]) -> list[TrueObject]:
    return [
        TrueObject(n, area, n if found else None, float(found), "found" if found else "missed")
        for n, (area, found) in enumerate(areas_and_found, start=1)
    ]


def test_recall_by_quartile_of_area() -> None:
    # Of areas 1…8, the smallest are lost.
    rows = recall_by_area(objects(*((area, area > 3) for area in (8, 1, 6, 3, 2, 4, 5, 7))))
    assert [(r.quartile, r.smallest, r.largest, r.n, r.recall) for r in rows] == [
        (1, 1, 2, 2, 0.0),
        (2, 3, 4, 2, 0.5),
        (3, 5, 6, 2, 1.0),
        (4, 7, 8, 2, 1.0),
    ]


def test_equal_areas_are_in_one_quartile() -> None:
    rows = recall_by_area(objects(*[(area, area == 2) for area in (1, 2, 2, 2, 3, 4, 5, 6)]))
    assert [(r.n, r.smallest, r.largest) for r in rows] == [
        (4, 1, 2),
        (0, 0, 0),
        (2, 3, 4),
        (2, 5, 6),
    ]


@pytest.mark.parametrize("areas", [[5] * 8, [5] * 8 + [9], [1, 2, 5, 5, 5, 5], [1, 5, 5, 5, 9, 9]])
def test_areas_that_make_no_quarters_have_no_recall_by_quartile(areas: list[int]) -> None:
    rows = recall_by_area(objects(*[(area, True) for area in areas]))
    assert [(row.n, row.smallest, row.largest) for row in rows] == [(0, 0, 0)] * 4
    assert np.isnan([row.recall for row in rows]).all()


def test_nothing_has_no_quartiles() -> None:
    assert [row.n for row in recall_by_area([])] == [0, 0, 0, 0]
