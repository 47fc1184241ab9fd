"""``cv=leave_group`` as a user types it: a run for each stratum of the data, and mistakes."""

import csv
from pathlib import Path
from typing import Any

import pytest

from segkit import compare, train
from tests.commands.in_process import call_main

SMALL = ("dataset.count=6", "dataset.image_size=64")


@pytest.mark.slow
def test_each_stratum_is_tested_by_a_run_that_has_not_seen_it(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["dataset.count=24", "trainer.max_epochs=1", "hydra.sweep.dir=swept"]
    arguments = [each for each in run.arguments() if "count" not in each and "epochs" not in each]
    code = call_main(monkeypatch, "-m", "cv=leave_group", *arguments, *given, module=train)
    told = capsys.readouterr()
    assert code == 0, told.out + told.err
    tested: list[set[str]] = []
    for folder in sorted(path for path in Path("swept").iterdir() if path.is_dir()):
        with (folder / "split.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        tested.append({row["stratum"] for row in rows if row["split"] == "test"})
        assert not tested[-1] & {row["stratum"] for row in rows if row["split"] != "test"}
        (name,) = tested[-1]
        assert f"test: stratum {name}, left out of training" in (folder / "train.log").read_text()
    assert len(tested) == len(set.union(*tested)) == 3, "each once"
    assert call_main(monkeypatch, "sweep=swept", module=compare) == 0
    said = capsys.readouterr().out.partition("on what was left out of training: ")[2]
    with Path("swept/comparison_runs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["fold"] for row in rows] == sorted(set.union(*tested))
    for row in rows:
        assert f"{row['fold']} {float(row['dice']):.3f}" in said


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["dataset.split.group_by=scanner", *SMALL], ("dataset.split.group_by=scanner", "stratum")),
        (["dataset=phantom,folder"], ("dataset=phantom,folder", "a sweep for each")),
        (["dataset.root=a,b"], ("dataset.root=a,b", "a sweep for each")),
        (["dataset.split.file=split.csv"], ("dataset.split.file=split.csv", "leave it out")),
        (["dataset.split.val=2"], ("dataset.split.val", "")),
        (["dataset=folder", "dataset.root=missing"], ("missing", "")),
    ],
)
def test_mistakes_are_told_before_any_run_begins(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    told: tuple[str, str],
) -> None:
    monkeypatch.chdir(tmp_path)
    places = [f"dataset.cache_dir={tmp_path / 'cache'}", "hydra.sweep.dir=swept"]
    code = call_main(monkeypatch, "-m", "cv=leave_group", *given, *places, module=train)
    said = capsys.readouterr().err
    assert code == 2, said
    assert told[0] in said.partition("where:")[2]
    assert told[1] in said.partition("fix:")[2]
    assert not list(tmp_path.glob("swept/*/config.yaml"))
