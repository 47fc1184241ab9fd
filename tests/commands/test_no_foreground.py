"""Healthy patients alone validate: said at once, chosen by the loss, and kept on resume."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit import check, evaluate
from segkit.core.tables import read_table
from tests.commands.in_process import call_main
from tests.commands.mistakes import Mistake
from tests.commands.small import SMALL
from tests.data.healthy import PATTERN, healthy_first, healthy_validate, table

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    root = healthy_first(tmp_path / "data")
    file = healthy_validate(tmp_path / "split.csv")
    return [
        "dataset=folder",
        f"dataset.root={root}",
        f"dataset.group_pattern='{PATTERN}'",
        f"dataset.split.file={file}",
        "dataset.size=32",
    ]


TRAINING = (
    "dataset.batch_size=4",
    "trainer=cpu",
    "trainer.precision=32-true",
    "trainer.enable_progress_bar=false",
    "schedule.patience=1",
    "resume=true",
    *SMALL,
)


def test_nothing_to_train_on(
    mistake: Mistake, given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = dict.fromkeys(range(7), "val") | {7: "test"}
    table(tmp_path / "split.csv", homes)
    said = mistake(*given)
    assert "no image is in the training split" in said
    assert "dataset.split.file=null" in said
    assert call_main(monkeypatch, *given, module=check) == 1


def state(folder: Path) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, str]]]:
    """Of a run: configuration, summary, epochs."""
    config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    return config, summary, read_table(folder / "metrics.csv")


@pytest.mark.slow
def test_a_run_that_its_scores_cannot_choose(
    command: Command, given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    training = [*given, *TRAINING, f"hydra.run.dir={folder}"]
    code, said = command(*training, "trainer.max_epochs=3")
    assert code == 0, said
    warning = "no pixel of 'foreground' in the 12 validation images"
    told = said.index(warning)
    assert told < said.index("epoch 0")
    line = said[told:].splitlines()[0]
    assert "chosen by val/loss, not val/dice" in line
    assert "dataset.split.file=null" in line
    assert warning in (folder / "train.log").read_text("utf-8")
    assert warning in (folder / "report.html").read_text("utf-8").replace("&#39;", "'")
    config, summary, rows = state(folder)
    for node in (
        config,
        config["schedule"],
        *map(config["callbacks"].get, ("checkpoint", "early_stopping")),
    ):
        assert (node["monitor"], node["mode"]) == ("val/loss", "min")
    assert config["monitor_asked"] == "val/dice"
    assert summary["monitor"] == "val/loss"
    assert "val/dice" in summary["chosen"]["monitor"]
    losses = [float(row["val/loss"]) for row in rows]
    assert summary["best_epoch"] == losses.index(min(losses))
    assert summary["best_score"] == pytest.approx(min(losses))

    # The same command, and one that names the run and the score it was begun with.
    assert command(*training, "trainer.max_epochs=4")[0] == 0
    code, said = command(f"resume={folder}", "monitor=val/dice", "trainer.max_epochs=5")
    assert code == 0, said
    assert "chosen by val/loss, not val/dice" in said
    config, summary, rows = state(folder)
    assert len(rows) == 5
    assert config["monitor_asked"] == "val/dice"
    assert (config["monitor"], summary["monitor"]) == ("val/loss", "val/loss")
    assert "val/dice" in summary["chosen"]["monitor"]
    code, said = command(f"resume={folder}", "monitor=val/iou", "trainer.max_epochs=6")
    assert code == 2
    assert "may not change on resume" in said

    assert call_main(monkeypatch, f"run={folder}", "threshold=auto", module=evaluate) == 2
    assert not (folder / "evaluation.csv").exists()
    assert call_main(monkeypatch, *given, module=check) == 1
