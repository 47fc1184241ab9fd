"""Early stopping counts the epochs that say something."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch import callbacks

from segkit.training.callbacks.early_stopping import EarlyStopping
from tests.training.small_module import WARNINGS, MakeData, make_task, make_trainer

pytestmark = WARNINGS
SETTINGS: dict[str, Any] = {"strict": False, "check_finite": False}
NAN = float("nan")


class Told(pl.Callback):
    """Gives each validation the score that comes next."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = scores

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        pl_module.log("told", self.scores[trainer.current_epoch])


def stopping(mode: str = "max", patience: int = 2) -> EarlyStopping:
    return EarlyStopping("told", mode=mode, patience=patience, **SETTINGS)


def trained(
    make_data: MakeData, monkeypatch: Any, scores: list[float], one: Any, **more: Any
) -> int:
    """Epochs of a training with these scores."""
    monkeypatch.setattr("segkit.tasks.semantic.task.SemanticTask.labels", more.pop("labels", True))
    trainer = make_trainer(len(scores), callbacks=[Told(scores), one], **more)
    trainer.fit(make_task(), datamodule=make_data())
    return trainer.current_epoch


@pytest.mark.parametrize(
    ("scores", "given", "epochs"),
    [
        ([0, 0, 0, NAN, 0, 0.2, 0, 0.1, 0.3], ("max", True), 8),
        ([0, 0, 0, 0, 0, 0], ("max", True), 6),
        ([0, 0, 0, 0, 0, 0], ("max", False), 3),
        ([0, 0, 0, 0, 0, 0], ("min", True), 3),  # no loss is as low as can be
    ],
)
def test_epochs_before_anything_is_found_do_not_count(
    make_data: MakeData,
    monkeypatch: pytest.MonkeyPatch,
    scores: list[float],
    given: tuple[str, bool],
    epochs: int,
) -> None:
    mode, labels = given
    assert trained(make_data, monkeypatch, scores, stopping(mode), labels=labels) == epochs


def test_a_validation_every_other_epoch_waits_too(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [0.0] * 10
    more = {"check_val_every_n_epoch": 2}
    assert trained(make_data, monkeypatch, scores, stopping(), **more) == 10
    monkeypatch.undo()
    assert trained(make_data, monkeypatch, scores, stopping(), labels=False, **more) == 6


def test_its_state_is_that_of_lightnings(tmp_path: Path) -> None:
    before = callbacks.EarlyStopping("told", mode="max")
    assert stopping().state_key == before.state_key
    file, waiting, again = tmp_path / "state.pt", stopping(), stopping()
    torch.save(waiting.state_dict(), file)
    again.load_state_dict(torch.load(file, weights_only=True))
    assert again.state_dict() == waiting.state_dict()
