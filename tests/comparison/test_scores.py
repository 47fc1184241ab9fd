"""A comparison's scores are those of evaluation.csv: one definition, one order of averaging."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from segkit.comparison.comparison import compare_runs
from segkit.comparison.run_scores import RunScores, read_scores
from segkit.comparison.tables import configuration_rows
from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.core.tables import table_text
from segkit.statistics.intervals import mean_intervals
from segkit.tasks.semantic.metrics import confusion_counts, dice, score
from segkit.tasks.semantic.tables import IMAGE_COLUMNS
from segkit.tasks.semantic.task import SemanticTask
from segkit.tasks.tally import Counted, image_rows, sum_by_group
from tests.commands.comparing import write_run

CLASSES = ("background", "cell", "nucleus")
# Groups of one, two and five images.
GROUPS = [f"p{n}" for n in (0, 1, 1, 2, 2, 2, 2, 2, 3, 3)]
IDS = [f"i{n}" for n in range(len(GROUPS))]


def counted(seed: int) -> Counted:
    """Of random answers; four images know nothing of the last class."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, (len(IDS), 8, 8), p=(0.6, 0.3, 0.1))
    truth[[0, 2, 5, 8]] = truth[[0, 2, 5, 8]].clip(max=1)
    right = rng.random(truth.shape) < rng.uniform(0.3, 1, (len(IDS), 1, 1))
    found = np.where(right, truth, rng.permutation(truth, axis=0))
    found[0] = found[0].clip(max=1)
    counts = confusion_counts(torch.tensor(found), torch.tensor(truth), 3).numpy()
    return Counted(list(range(len(IDS))), counts, 0.5, {})


def a_run(folder: Path, *, seed: int = 0, score_by: str = "image", model: str = "a") -> RunScores:
    """A finished run, its tables written by the code that writes them after a training."""
    write_run(folder, [0.5] * len(IDS), groups=GROUPS, score_by=score_by, model=model)
    known = counted(seed)
    records = [Record(name, group, name, (name,)) for name, group in zip(IDS, GROUPS, strict=True)]
    cells = SemanticTask(CLASSES).scorer.image_cells(known.counts)
    rows = image_rows(known, records, dict.fromkeys(IDS, "test"), cells)
    (folder / "evaluation_per_image.csv").write_text(table_text(IMAGE_COLUMNS, rows), "utf-8")
    tell_summary(folder, score(known.counts, units(score_by), CLASSES)["all"].dice)
    return read_scores(folder)


def units(score_by: str) -> list[str]:
    return GROUPS if score_by == "group" else IDS


def tell_summary(folder: Path, value: float | None) -> None:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    summary["test"]["all"]["dice"] = value
    (folder / "summary.json").write_text(json.dumps(summary), "utf-8")


@pytest.mark.parametrize("score_by", ["image", "group"])
def test_they_are_those_of_evaluation(tmp_path: Path, score_by: str) -> None:
    """Groups of several images, classes absent from images: each order has its own mean."""
    runs = [
        a_run(tmp_path / model, seed=seed, score_by=score_by, model=model)
        for seed, model in enumerate("ab")
    ]
    found = compare_runs(runs, baseline=None, score="dice", seed=0, common=False)
    for seed, row in enumerate(configuration_rows(found)):
        counts = counted(seed).counts
        expected = score(counts, units(score_by), CLASSES)["all"]
        assert row["dice"] == pytest.approx(expected.dice, abs=1e-12)
        assert row["iou"] == pytest.approx(expected.iou, abs=1e-12)
        # The interval of evaluation.csv's row `all`, as evaluate draws it.
        names, counts_UK4 = sum_by_group(counts, units(score_by))
        groups = names if score_by == "group" else [GROUPS[IDS.index(name)] for name in names]
        bounds = mean_intervals(dice(counts_UK4[:, 1:]), groups, seed=0)[-1]
        assert [row["dice_low"], row["dice_high"]] == pytest.approx(bounds, abs=1e-12)


def test_a_pair_is_still_compared_group_by_group(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / model, seed=seed, model=model) for seed, model in enumerate("ab")]
    found = compare_runs(runs, baseline=None, score="dice", seed=0, common=False)
    values_N = np.nanmean(dice(counted(0).counts[:, 1:]), axis=1)
    expected = [
        np.mean([v for v, g in zip(values_N, GROUPS, strict=True) if g == name])
        for name in found.groups
    ]
    np.testing.assert_allclose(found.configurations[0].scores["dice"][0], expected)
    assert found.pairs[0].found.n == 4


def test_a_dice_of_nothing_is_checked_like_any_other(tmp_path: Path) -> None:
    """0 was once taken for none, and the table that belongs to another model for the run's own."""
    a_run(tmp_path / "a")
    for told in (0, 0.0, None):
        tell_summary(tmp_path / "a", told)
        with pytest.raises(SegkitError, match="scored otherwise since"):
            read_scores(tmp_path / "a")


def test_a_run_without_a_defined_score_is_read(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.5])
    lines = (tmp_path / "a" / "evaluation_per_image.csv").read_text("utf-8").splitlines()
    lines[1] = "i0,i0,test,cell,0,0,0,1000,,"
    (tmp_path / "a" / "evaluation_per_image.csv").write_text("\n".join(lines), "utf-8")
    tell_summary(tmp_path / "a", None)
    assert read_scores(tmp_path / "a").ids == ("i0",)


@pytest.mark.parametrize("break_", ["\u2028", "\x85", "\x0c", "\n"])
def test_an_id_may_hold_what_some_take_for_the_end_of_a_line(tmp_path: Path, break_: str) -> None:
    a_run(tmp_path / "a")
    path = tmp_path / "a" / "evaluation_per_image.csv"
    path.write_text(path.read_text("utf-8").replace("i3,", f'"i{break_}3",'), "utf-8")
    assert read_scores(tmp_path / "a").ids[3] == f"i{break_}3"
