"""What is printed of an evaluation is as it is called, whatever the name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from segkit.evaluation.scoring import Evaluation
from segkit.evaluation.terminal import show_evaluation
from segkit.tasks.base import Task
from segkit.tasks.examining import Examination
from segkit.tasks.instance.matching import count, match
from segkit.tasks.instance.tables import CLASS_COLUMNS
from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.semantic.task import SemanticTask
from segkit.tasks.tally import Counted


def evaluation(*classes: str) -> Evaluation:
    counts = np.array([[[70, 5, 5, 20], [10, 3, 5, 82], [8, 4, 2, 86]]])
    return evaluated(SemanticTask(classes), counts)


def objects() -> Evaluation:
    """Of one image: two true objects, of which one was found."""
    truth = np.zeros((20, 20), np.int32)
    truth[2:8, 2:8], truth[10:18, 10:18] = 1, 2
    labels = np.where(truth == 2, 1, 0)
    task = InstanceTask(("background", "cell"))
    examination = task.scorer.examination(surface_tolerance=None)
    found = torch.from_numpy(labels)
    examination.watchers[0].watch(0, torch.zeros(3, 20, 20), found, torch.from_numpy(truth))
    return evaluated(task, count(match(truth, labels))[None], examination)


def evaluated(task: Task, counts: NDArray[Any], watched: Examination | None = None) -> Evaluation:
    counted = Counted([0], counts, 0.5, {})
    examination = watched or task.scorer.examination(surface_tolerance=None)
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


def test_scores_of_objects_are_few_and_in_groups_the_most_telling_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_evaluation(objects(), Path("run"), tmp_path, tmp_path)
    said = capsys.readouterr().out
    lines = [line.strip() for line in said.split("no intervals: ")[0].splitlines()[2:]]
    names = [line.split()[0] if line else "" for line in lines]
    assert names[:5] == ["ap50", "ap", "ap50_image", "pq", ""]
    assert [name for name in names if name.startswith("recall_q")] == [
        f"recall_q{n}" for n in (1, 2, 3, 4)
    ]
    assert len(names) <= 25
    assert set(names) - {""} <= set(CLASS_COLUMNS)
    assert lines[names.index("n_true")].split()[1] == "2"  # and not "undefined"
