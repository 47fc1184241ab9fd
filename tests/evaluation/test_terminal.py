"""What is printed of an evaluation is as it is called, whatever the name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segkit.evaluation.scoring import Evaluation
from segkit.evaluation.terminal import show_evaluation
from segkit.tasks.semantic.task import SemanticTask
from segkit.tasks.tally import Counted


def evaluation(*classes: str) -> Evaluation:
    counts = np.array([[[70, 5, 5, 20], [10, 3, 5, 82], [8, 4, 2, 86]]])
    task = SemanticTask(classes)
    counted = Counted([0], counts, 0.5, {})
    examination = task.scorer.examination(surface_tolerance=None)
    columns = {"data": "d", "split": "test", "split_hash": "abc"}
    examined = examination.finish(counted, ["r0"], ["g0"], columns=columns, seed=0)
    return Evaluation(
        task=task,
        data="d",
        split="test",
        split_hash="abc",
        scores=task.scorer.scores(counts, ["r0"]),
        groups=1,
        counted=counted,
        examined=examined,
    )


def test_names_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path("[old]") / "[/x]"
    found = evaluation("background", "[red]", "[/edge]")
    show_evaluation(found, run, tmp_path / "[bold]", tmp_path / "[i]")
    said = capsys.readouterr().out
    assert "1 images (test) scored with [old]/[/x]" in said
    assert "[red]" in said
    assert "[/edge]" in said
    assert f"tables: {tmp_path}/[bold]/evaluation.csv" in said
    assert f"pictures: {tmp_path}/[i]/ (worst" in said


def test_every_table_that_was_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluation("background", "a", "b")
    further = replace(found.examined, tables={"objects.csv": (["id"], {})})
    show_evaluation(replace(found, examined=further), Path("run"), tmp_path, tmp_path)
    said = capsys.readouterr().out
    assert f"{tmp_path}/evaluation.csv, evaluation_per_image.csv, objects.csv\n" in said
