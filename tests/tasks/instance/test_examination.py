"""An evaluation of objects: its tables, what became of each object, and its intervals."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segkit.imaging.pixels import decode
from segkit.statistics.intervals import mean_intervals
from segkit.tasks.instance.examination import InstanceExamination
from segkit.tasks.instance.fitting import highest
from segkit.tasks.instance.matching import COUNTS, count, match
from segkit.tasks.instance.metrics import each
from segkit.tasks.instance.outcomes import outcomes
from segkit.tasks.instance.tables import (
    CLASS_COLUMNS,
    IMAGE_COLUMNS,
    INTERVALS,
    OBJECT_COLUMNS,
    object_rows,
)
from segkit.tasks.tally import Counted
from tests.tasks.instance.definitions import noisy
from tests.tasks.instance.shapes import TASK, discs

NOTHING = torch.zeros(3, 1, 1)


def examined(pairs: list[Any], groups: list[str], *, order: list[int] | None = None) -> Any:
    made = InstanceExamination(TASK)
    for index in order or range(len(pairs)):
        truth, found = map(torch.from_numpy, pairs[index])
        for watcher in made.watchers:
            watcher.watch(index, NOTHING, found, truth)
    counts = np.stack([count(match(*pair)) for pair in pairs])
    counted = Counted(list(range(len(pairs))), counts, 0.25, {})
    units = [f"i{n}" for n in range(len(pairs))]
    columns = {"data": "set", "split": "test", "split_hash": "abc"}
    return counts, made.finish(counted, units, groups, columns=columns, seed=3)


PAIRS = [noisy(seed) for seed in range(12)]
GROUPS = [f"g{n // 2}" for n in range(12)]


def test_the_tables_have_their_columns_and_the_scores_of_the_scorer() -> None:
    counts, found = examined(PAIRS, GROUPS)
    assert tuple(found.columns) == CLASS_COLUMNS
    assert tuple(found.image_columns) == IMAGE_COLUMNS
    assert [row["class"] for row in found.rows] == ["nucleus", "all"]
    scores = TASK.scorer.scores(counts, [f"i{n}" for n in range(12)])
    for row in found.rows:
        assert set(CLASS_COLUMNS) <= set(row)
        for name, value in scores["all"].items():
            assert row[name] == value
        assert {key: row[key] for key in TASK.settings} == TASK.settings
        assert (row["loss"], row["split_hash"]) == (0.25, "abc")
    assert found.certain


def test_the_order_in_which_images_come_changes_nothing() -> None:
    _, one = examined(PAIRS, GROUPS)
    _, other = examined(PAIRS, GROUPS, order=list(range(12))[::-1])
    assert one.rows == other.rows
    assert one.tables == other.tables
    assert list(one.tables["objects.csv"][1]) == list(other.tables["objects.csv"][1])


def test_intervals_are_those_of_groups_drawn_one_by_one() -> None:
    """Written anew: groups drawn with replacement, the score of their objects together."""
    counts, found = examined(PAIRS, GROUPS)
    rng = np.random.default_rng(0)
    names = sorted(set(GROUPS))
    members = [[n for n, group in enumerate(GROUPS) if group == name] for name in names]
    drawn = [
        counts[[n for g in rng.integers(0, len(names), len(names)) for n in members[g]]].sum(axis=0)
        for _ in range(2000)
    ]
    for score in ("ap50", "ap", "pq", "aji", "f1_50"):
        expected = np.percentile(each(np.stack(drawn), score), [2.5, 97.5])
        row = found.rows[0]
        got = [row[f"{score}_low"], row[f"{score}_high"]]
        assert got == pytest.approx(expected, abs=0.01)
        assert row[f"{score}_low"] < row[score] < row[f"{score}_high"]
        assert got[1] - got[0] > 0.04, "wider than what is allowed for"
    assert {name for name in row if name.endswith("_low")} == {f"{name}_low" for name in INTERVALS}


def test_the_interval_of_a_mean_over_images_is_that_of_means() -> None:
    counts, found = examined(PAIRS, GROUPS)
    low, high = mean_intervals(each(counts, "ap50_image")[:, None], GROUPS, seed=3)[-1]
    assert found.rows[0]["ap50_image_low"] == pytest.approx(low)
    assert found.rows[0]["ap50_image_high"] == pytest.approx(high)


def test_one_group_has_no_interval() -> None:
    _, found = examined(PAIRS[:3], ["g"] * 3)
    assert not found.certain
    assert all(np.isnan(found.rows[0][f"{name}_low"]) for name in INTERVALS)
    assert np.isfinite(found.rows[0]["ap50"])


def test_recall_is_told_by_quartile_of_area() -> None:
    truth = discs((8, 8, 3), (8, 24, 4), (8, 44, 6), (32, 14, 10), size=(48, 64))
    found = np.where(truth >= 3, truth, 0)  # the larger half
    _, result = examined([(truth, found)] * 2, ["a", "b"])
    recalls = [result.rows[0][f"recall_q{n}"] for n in range(1, 5)]
    assert recalls == [0, 0, 1, 1]


def test_every_object_has_a_row() -> None:
    truth = discs((10, 12, 6), (10, 40, 6), (10, 52, 6), (36, 12, 8), (36, 50, 4), size=(48, 64))
    found = np.zeros_like(truth)
    found[discs((10, 12, 6)) > 0] = 9  # right
    found[(truth == 2) | (truth == 3)] = 4  # two in one
    found[:, :12][(truth == 4)[:, :12]] = 7  # one in two
    found[:, 12:][(truth == 4)[:, 12:]] = 8
    found[44:47, 30:33] = 300  # nothing there
    rows = object_rows(*outcomes(match(truth, found)), truth, found)
    assert all(set(row) | {"id"} <= set(OBJECT_COLUMNS) for row in rows)
    true = {row["label"]: row for row in rows if row["kind"] == "true"}
    predicted = {row["label"]: row for row in rows if row["kind"] == "found"}
    assert list(true) == [1, 2, 3, 4, 5]
    assert list(predicted) == [4, 7, 8, 9, 300]
    outcome = {label: row["outcome"] for label, row in true.items()}
    # Of touching discs the later lies on top: the first has lost some pixels to it.
    assert outcome[1] == "found"
    assert outcome[5] == "missed"
    assert (true[1]["match"], true[1]["iou"]) == (9, 1.0)
    assert (true[5]["match"], true[5]["iou"]) == (None, 0.0)
    assert (predicted[9]["match"], predicted[9]["iou"]) == (1, 1.0)
    assert predicted[300]["iou"] == 0
    assert list(rows[0]) == [key for key in OBJECT_COLUMNS if key in rows[0]]
    assert predicted[4]["merges"] == "2 3"
    assert (predicted[300]["outcome"], predicted[300]["merges"]) == ("false", "")
    assert (true[1]["row"], true[1]["column"]) == (10, 12)
    assert (predicted[300]["row"], predicted[300]["column"]) == (45, 31)
    assert true[1]["area"] == (truth == 1).sum()


@pytest.mark.parametrize("seed", range(4))
def test_rows_agree_with_the_counts(seed: int) -> None:
    truth, found = noisy(seed)
    rows = object_rows(*outcomes(match(truth, found)), truth, found)
    counts = dict(zip(COUNTS, count(match(truth, found)).tolist(), strict=True))
    true = [row for row in rows if row["kind"] == "true"]
    predicted = [row for row in rows if row["kind"] == "found"]
    assert (len(true), len(predicted)) == (counts["true"], counts["found"])
    assert sum(row["match"] is not None for row in true) == counts["tp_50"]
    assert {(row["label"], row["match"]) for row in true if row["match"]} == {
        (row["match"], row["label"]) for row in predicted if row["match"]
    }
    assert sum(row["area"] for row in predicted) == counts["tp"] + counts["fp"]  # type: ignore[misc]
    for row in true:
        places = np.argwhere(truth == row["label"])
        assert (row["row"], row["column"]) == pytest.approx(places.mean(axis=0), abs=0.006)


def test_a_large_image_takes_little_memory_beyond_its_labels() -> None:
    """Objects of 195 rows, so that some lie in two bands or more."""
    rows, columns = np.ogrid[:4096, :2048]
    inside = (rows % 200 > 4) & (columns % 200 > 9)
    labels = np.where(inside, 7001 * (20 * (rows // 200) + columns // 200 + 1), 0).astype(np.int32)
    found = outcomes(match(labels, labels))
    tracemalloc.start()
    try:
        made = object_rows(*found, labels, labels)
        highest_ = highest(labels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert highest_ == 195
    assert [made[0][key] for key in ("label", "row", "column")] == [7001, 102, 104.5]
    assert [made[3 * 11 + 1][key] for key in ("row", "column")] == [702, 304.5]
    # Of all pixels at once it would be 33 bytes of each.
    assert peak < 8 * labels.size


def test_an_image_of_nothing_has_no_row() -> None:
    nothing = discs()
    assert object_rows([], [], nothing, nothing) == []
    full = np.full((4, 4), 70_000, np.int32)
    (row,) = object_rows(*outcomes(match(full, np.zeros_like(full))), full, np.zeros_like(full))
    assert (row["label"], row["area"], row["row"]) == (70_000, 16, 1.5)


def test_the_plots_are_drawn(tmp_path: Path) -> None:
    for pairs in (PAIRS, [(discs(), discs())] * 2):
        _, found = examined(pairs, [f"g{n}" for n in range(len(pairs))])
        found.plots(tmp_path, "a title")
        drawn = {}
        for name in ("precision", "counts"):
            picture = decode((tmp_path / f"{name}.png").read_bytes(), name)
            assert picture.ndim == 3
            drawn[name] = picture
            assert (picture.min(), picture.max() > 200) == (picture.min(), True)
            assert picture.std() > 5, "it is blank"
        assert not np.array_equal(drawn["precision"], drawn["counts"])
