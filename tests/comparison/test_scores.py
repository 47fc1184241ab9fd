"""A comparison's scores are those of evaluation.csv: one definition, one order of averaging."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from segkit import compare
from segkit.comparison.comparison import compare_runs
from segkit.comparison.run_scores import RunScores, read_scores
from segkit.comparison.tables import class_rows, configuration_rows
from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.core.tables import read_table, table_text
from segkit.statistics.intervals import mean_intervals
from segkit.tasks.semantic.metrics import confusion_counts, dice, score
from segkit.tasks.semantic.tables import IMAGE_COLUMNS
from segkit.tasks.semantic.task import SemanticTask
from segkit.tasks.tally import Counted, image_rows, sum_by_group
from tests.commands.comparing import write_run
from tests.commands.in_process import call_main

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
        # The intervals of evaluation.csv, as evaluate draws them.
        names, counts_UK4 = sum_by_group(counts, units(score_by))
        groups = names if score_by == "group" else [GROUPS[IDS.index(name)] for name in names]
        bounds = mean_intervals(dice(counts_UK4[:, 1:]), groups, seed=0)
        assert [row["dice_low"], row["dice_high"]] == pytest.approx(bounds[-1], abs=1e-12)
        name = row["configuration"]
        by_class = [each for each in class_rows(found) if each["configuration"] == name]
        assert [each["class"] for each in by_class] == ["cell", "nucleus"]
        for each, own in zip(by_class, bounds[:-1], strict=True):
            of_class = score(counts, units(score_by), CLASSES)[each["class"]]
            assert each["dice"] == pytest.approx(of_class.dice, abs=1e-12)
            assert each["iou"] == pytest.approx(of_class.iou, abs=1e-12)
            assert [each["dice_low"], each["dice_high"]] == pytest.approx(own, abs=1e-12)


def test_classes_are_shown_where_there_are_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    several = [a_run(tmp_path / model, seed=seed, model=model) for seed, model in enumerate("ab")]
    given = f"runs=[{several[0].folder},{several[1].folder}]"
    assert call_main(monkeypatch, given, f"output={tmp_path / 'out'}", module=compare) == 0
    rows = read_table(tmp_path / "out" / "comparison_classes.csv")
    assert [(row["configuration"], row["class"]) for row in rows] == [
        (model, name) for model in "ab" for name in ("cell", "nucleus")
    ]
    shown = f"{float(rows[3]['dice']):.3f} [{float(rows[3]['dice_low']):.3f}"
    assert shown in capsys.readouterr().out
    assert shown in (tmp_path / "out" / "comparison.html").read_text("utf-8")
    for model in "ab":
        write_run(tmp_path / "one" / model, [0.5] * 12, model=model)
    single = f"runs=[{tmp_path / 'one/a'},{tmp_path / 'one/b'}]"
    assert call_main(monkeypatch, single, f"output={tmp_path / 'one'}", module=compare) == 0
    assert (tmp_path / "one" / "comparison.csv").exists()
    assert not (tmp_path / "one" / "comparison_classes.csv").exists()


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
