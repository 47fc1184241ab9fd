"""Seeds, folds and images of one patient in a comparison: what counts as one."""

from functools import partial
from pathlib import Path

import pytest

from segkit.comparison.comparison import compare_runs
from segkit.comparison.run_scores import read_scores
from tests.commands.comparing import Compare, compare_in, scores, table, write_run


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """The command in this process; gives its exit code."""
    return partial(compare_in, tmp_path, monkeypatch)


def test_seeds_are_one_configuration(command: Compare, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    for job in range(6):
        # Seeds move a score by more than the models differ.
        jump = (0.0, 0.08, -0.08)[job % 3]
        mean = 0.6 + jump + (0.02 if job > 2 else 0)
        folder = sweep / f"{job}-x"
        write_run(folder, scores(mean, seed=job), model="ab"[job // 3], seed=job % 3)
    assert command(f"sweep={sweep}") == 0
    first, second = table(sweep / "comparison.csv")
    assert (first["seeds"], second["seeds"]) == ("3", "3")
    assert float(first["dice_between_seeds"]) == pytest.approx(0.08, abs=0.01)
    assert second["verdict"] == "no difference shown"
    # One run each would have called it real.
    assert float(second["wilcoxon_p"]) < 0.001
    assert "over 3 seeds each" in (sweep / "comparison.md").read_text("utf-8")


def test_folds_are_one_run(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path / f"{model}{fold}", scores(mean, seed=fold), model=model, fold=fold)
        for model, mean in (("a", 0.5), ("b", 0.7))
        for fold in (0, 1)
    ]
    runs = [read_scores(folder) for folder in folders]
    found = compare_runs(runs, baseline=None, score="dice", seed=0, common=False)
    assert [len(each.runs) for each in found.configurations] == [1, 1]
    assert found.records == 80
    assert found.pairs[0].found.n == 80
    assert found.pairs[0].verdict == "better"


def test_images_of_one_patient_count_once(tmp_path: Path) -> None:
    groups = [f"p{n // 4}" for n in range(40)]
    folders = [
        write_run(tmp_path / model, scores(mean), model=model, groups=groups)
        for model, mean in (("a", 0.5), ("b", 0.7))
    ]
    runs = [read_scores(folder) for folder in folders]
    found = compare_runs(runs, baseline=None, score="dice", seed=0, common=False)
    assert (found.pairs[0].found.n, found.records, found.unit) == (10, 40, "groups")


def test_a_single_group(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in "ab":
        write_run(tmp_path / "s" / model, [0.5, 0.6], model=model, groups=["p", "p"])
    assert command(f"sweep={tmp_path / 's'}") == 0
    assert "oo few groups (n = 1; 6 are needed) to say" in capsys.readouterr().out


def test_one_configuration_with_seeds_leaves_the_others_as_they_are(
    command: Compare, tmp_path: Path
) -> None:
    sweep = tmp_path / "s"
    for job, (model, seed, mean) in enumerate(
        [("a", 0, 0.5), ("b", 0, 0.7), ("c", 0, 0.5), ("c", 1, 0.6)]
    ):
        write_run(sweep / str(job), scores(mean, seed=job), model=model, seed=seed)
    assert command(f"sweep={sweep}") == 0
    verdicts = [row["verdict"] for row in table(sweep / "comparison.csv")]
    assert verdicts == ["", "better", "too few"]


def test_a_cross_validation_alone(
    command: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for fold in (0, 1):
        write_run(tmp_path / "s" / str(fold), scores(0.7, seed=fold), fold=fold)
    assert command(f"sweep={tmp_path / 's'}") == 0
    out = capsys.readouterr().out
    assert "One configuration: dice 0." in out
    assert "on 80 images out of 2 folds." in out
    rows = table(tmp_path / "s" / "out_of_fold.csv")
    assert len({row["id"] for row in rows}) == len(rows) == 80
    assert {row["fold"] for row in rows} == {"0", "1"}
