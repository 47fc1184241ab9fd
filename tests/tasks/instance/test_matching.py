"""Matching against brute force on masks, one object at a time."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import linear_sum_assignment

from segkit.tasks.instance.matching import COUNTS, PERCENTS, Counts, Labels, count, match
from segkit.tasks.instance.outcomes import TrueObject, outcomes

SMALL = array_shapes(min_dims=2, max_dims=2, max_side=6)
# Few ids on few pixels: pieces, exact halves and equal IoU are common.
PAIRS = SMALL.flatmap(lambda shape: arrays(np.int32, (2, *shape), elements=st.integers(0, 4)))


def counted(truth: Labels, found: Labels) -> dict[str, int]:
    return dict(zip(COUNTS, count(match(truth, found)).tolist(), strict=True))


def squares(side: int, shift: int) -> tuple[Counts, Counts]:
    """Two squares whose IoU is (side - shift) / (side + shift)."""
    truth, found = np.zeros((2, side + 4, side + shift + 4), np.int64)
    truth[2 : side + 2, 2 : side + 2] = 7
    found[2 : side + 2, shift + 2 : side + shift + 2] = 3
    return truth, found


def masks(labels: Labels) -> Iterator[tuple[int, np.ndarray]]:
    return ((int(id_), labels == id_) for id_ in np.unique(labels) if id_)


@given(PAIRS)
@settings(deadline=None, max_examples=300)
def test_overlaps_are_those_of_the_masks(pair: Labels) -> None:
    matching = match(*pair)
    true, found = list(masks(pair[0])), list(masks(pair[1]))
    assert matching.true_ids_T.tolist() == [id_ for id_, _ in true]
    assert matching.found_ids_F.tolist() == [id_ for id_, _ in found]
    assert matching.true_areas_T.tolist() == [mask.sum() for _, mask in true]
    assert matching.found_areas_F.tolist() == [mask.sum() for _, mask in found]
    table = np.zeros((len(true), len(found)), int)
    table[matching.true_P, matching.found_P] = matching.shared_P
    assert table.tolist() == [[(t & f).sum() for _, f in found] for _, t in true]
    # In the order of the first pixels that they share.
    firsts = [
        np.flatnonzero(true[t][1] & found[f][1])[0]
        for t, f in zip(matching.true_P, matching.found_P, strict=True)
    ]
    assert firsts == sorted(firsts)


@given(PAIRS)
@settings(deadline=None, max_examples=300)
def test_no_assignment_matches_more_or_better(pair: Labels) -> None:
    matching = match(*pair)
    iou = np.zeros((len(matching.true_ids_T), len(matching.found_ids_F)))
    iou[matching.true_P, matching.found_P] = matching.iou
    for percent in PERCENTS:
        good = np.where(iou >= percent / 100, 1 + iou, 0)
        best = good[linear_sum_assignment(good, maximize=True)]
        own = matching.iou[matching.matches]
        own = own[own >= percent / 100]
        assert len(own) == (best > 0).sum() == counted(*pair)[f"tp_{percent}"]
        assert (1 + own).sum() == pytest.approx(best.sum())
    assert len(set(matching.true_P[matching.matches])) == len(matching.matches)
    assert len(set(matching.found_P[matching.matches])) == len(matching.matches)


@given(PAIRS, st.integers(0, 9999))
@settings(deadline=None, max_examples=200)
def test_ids_are_but_names(pair: Labels, seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, found = (np.append(0, rng.choice(2**32 - 1, 4, replace=False) + 1) for _ in range(2))
    named = true[pair[0]].astype(np.uint32), found[pair[1]].astype(np.uint32)
    assert count(match(*named)).tolist() == count(match(*pair)).tolist()
    names = {int(true[t.id]): t for t in outcomes(match(*pair))[0]}
    for renamed in outcomes(match(*named))[0]:
        old = names[renamed.id]
        assert (renamed.area, renamed.iou, renamed.outcome) == (old.area, old.iou, old.outcome)
        assert renamed.match == (old.match if old.match is None else found[old.match])


@pytest.mark.parametrize("percent", PERCENTS)
def test_a_match_at_the_threshold_itself(percent: int) -> None:
    # IoU = 2 percent / 200 of whole pixels, exactly.
    counts = counted(*squares(100 + percent, 100 - percent))
    assert [counts[f"tp_{p}"] for p in PERCENTS] == [int(p <= percent) for p in PERCENTS]
    assert counts["above_50"] == (percent > 50)
    assert counts["ap_e6"] == 100_000 * sum(p <= percent for p in PERCENTS)
    assert counts["kaggle_e6"] == 100_000 * sum(p < percent for p in PERCENTS)
    assert counts["iou_e6"] == (10_000 * percent if percent > 50 else 0)


@given(PAIRS)
@settings(deadline=None, max_examples=300)
def test_merged_and_split_are_as_defined(pair: Labels) -> None:
    true, found = [mask for _, mask in masks(pair[0])], [mask for _, mask in masks(pair[1])]
    over = [[2 * (t & f).sum() > t.sum() for f in found] for t in true]
    merging = [sum(column) >= 2 for column in zip(*over, strict=True)] or [False] * len(found)
    merged = sum(any(o and m for o, m in zip(row, merging, strict=True)) for row in over)
    split = sum(
        2 * (t & (pair[1] > 0)).sum() > t.sum() and not any(row)
        for t, row in zip(true, over, strict=True)
    )
    counts = counted(*pair)
    assert (counts["merged_objects"], counts["split_objects"]) == (merged, split)


@given(PAIRS)
@settings(deadline=None, max_examples=200)
def test_outcomes_agree_with_the_counts(pair: Labels) -> None:
    counts, (true, found) = counted(*pair), outcomes(match(*pair))
    assert len(true) == counts["true"]
    assert len(found) == counts["found"]
    assert sum(t.outcome == "found" for t in true) == counts["tp_50"]
    assert sum(f.outcome == "matched" for f in found) == counts["tp_50"]
    assert {(t.id, t.match) for t in true if t.match} == {(f.match, f.id) for f in found if f.match}
    assert all(t.iou >= 0.5 for t in true if t.match)
    assert sum(len(f.merges) for f in found) == counts["merged_objects"]


def test_an_object_in_pieces_is_one() -> None:
    truth = np.array([[1, 1, 0, 0, 1, 1]])
    (one,), _ = outcomes(match(truth, np.array([[8, 8, 0, 0, 8, 0]])))
    assert (one.area, one.match, one.iou) == (4, 8, 0.75)
    counts = counted(truth, np.array([[1, 1, 0, 0, 2, 2]]))
    assert (counts["found"], counts["tp_50"], counts["above_50"]) == (2, 1, 0)


def test_empty_sides() -> None:
    empty, some = np.zeros((4, 5), np.int32), np.eye(4, 5, dtype=np.int32)
    assert {k: v for k, v in counted(empty, empty).items() if v} == {"tn": 20, "images": 1}
    missed = {"fn": 4, "tn": 16, "true": 1, "aji_union": 4, "images": 1, "images_with_any": 1}
    missed |= {"images_with_true": 1, "count_error_e6": 1_000_000, "count_bias_e6": -1_000_000}
    assert {k: v for k, v in counted(some, empty).items() if v} == missed
    false = {"fp": 4, "tn": 16, "found": 1, "aji_union": 4, "images": 1, "images_with_any": 1}
    assert {k: v for k, v in counted(empty, some).items() if v} == false
    assert outcomes(match(empty, empty)) == ([], [])
    assert outcomes(match(some, empty))[0] == [TrueObject(1, 4, None, 0.0, "missed")]


def test_one_giant_object() -> None:
    full = np.full((1200, 1200), 2**31 - 1, np.int32)
    counts = counted(full, np.full((1200, 1200), 255, np.uint8))
    assert counts["tp_95"] == counts["above_50"] == 1
    assert counts["iou_e6"] == 1_000_000
    assert counts["aji_intersection"] == counts["aji_union"] == counts["tp"] == 1200**2


def test_seventy_thousand_objects() -> None:
    # 2 x 2 pixels each, side by side; of every tenth one pixel is lost.
    side = np.arange(600) // 2
    truth = (side[:, None] * 300 + side + 1)[:468]
    found = np.where(truth % 10 == 0, truth * 30_000, truth)
    found[::2, ::2][truth[::2, ::2] % 10 == 0] = 0
    counts = counted(truth, found)
    assert counts["true"] == counts["found"] == counts["tp_50"] == counts["tp_75"] == 70_200
    assert counts["tp_80"] == counts["tp_95"] == 63_180
    assert counts["iou_e6"] == 63_180 * 1_000_000 + 7_020 * 750_000
    assert counts["fn"] == 7_020
    assert counts["merged_objects"] == counts["split_objects"] == 0


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), r"\(2, 3\) against prediction \(3, 2\)"),
        (np.zeros((2, 3, 1), int), np.zeros((2, 3, 1), int), "against"),
        (np.zeros((0, 3), int), np.zeros((0, 3), int), "against"),
        (np.zeros((2, 3)), np.zeros((2, 3), int), "float64"),
        (np.zeros((2, 3), int), np.full((2, 3), -1), "not -1"),
    ],
)
def test_what_is_no_label_image_is_refused(truth: Labels, found: Labels, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        match(truth, found)
