"""Scores reported to a study, and trainings that it gives up."""

import logging
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna import Study, create_study

from segkit.search.pruning import Pruning
from segkit.search.storage import PROCESS, PRUNED, STORAGE, open_storage, sqlite

PARENT = str(os.getppid())


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Of two trials that went well, and one that runs."""
    address = sqlite(str(tmp_path / "study.db"))
    made = create_study(storage=open_storage(address), study_name="s", direction="maximize")
    for best in (0.8, 0.9):
        trial = made.ask()
        for epoch in range(3):
            trial.report(best - 0.1 * (2 - epoch), epoch)
        made.tell(trial, best)
    made.ask()
    monkeypatch.setenv(STORAGE, address)
    monkeypatch.setenv(PROCESS, PARENT)
    return made


def pruning(**changes: Any) -> Pruning:
    given: dict[str, Any] = {
        "monitor": "val/dice",
        "study": "s",
        "trial": 2,
        "pruner": "median",
        "trials": 2,
        "epochs": 1,
    }
    return Pruning(**given | changes)


def validated(callback: Pruning, scores: list[float], **changes: Any) -> list[bool]:
    """After which of these epochs the training was to end."""
    ends: list[bool] = []
    strategy = SimpleNamespace(reduce_boolean_decision=lambda end, **_: end)
    state = {"is_global_zero": True, "sanity_checking": False, "strategy": strategy}
    trainer: Any = SimpleNamespace(**state, should_stop=False, current_epoch=0)
    trainer.__dict__.update(changes)
    task: Any = None
    callback.on_train_start(trainer, task)
    for epoch, score in enumerate(scores):
        trainer.current_epoch, trainer.callback_metrics = epoch, {"val/dice": score}
        callback.on_validation_end(trainer, task)
        ends.append(trainer.should_stop)
    return ends


def test_what_is_worse_than_half_of_the_others_ends(study: Study) -> None:
    assert validated(pruning(), [0.1, 0.2]) == [False, True]
    trial = study.get_trials()[2]
    assert trial.intermediate_values == {0: 0.1, 1: 0.2}
    assert trial.user_attrs == {PRUNED: 1}


@pytest.mark.parametrize(
    ("scores", "changes"),
    [
        pytest.param([0.1, 0.9], {}, id="it is better"),
        pytest.param([0.1], {}, id="it is too early"),
        pytest.param([0.1, 0.2], {"pruner": "none"}, id="none is pruned"),
        pytest.param([0.1, 0.2], {"trials": 3}, id="too few have finished"),
    ],
)
def test_what_goes_on(study: Study, scores: list[float], changes: dict[str, Any]) -> None:
    assert not any(validated(pruning(**changes), scores))
    trial = study.get_trials()[2]
    assert trial.intermediate_values == dict(enumerate(scores))
    assert trial.user_attrs == {}


def test_what_is_no_score_is_not_reported(study: Study) -> None:
    assert not any(validated(pruning(), [math.nan, math.inf]))
    assert not any(validated(pruning(), [0.1], sanity_checking=True))
    assert not any(validated(pruning(), [0.1], is_global_zero=False))
    assert study.get_trials()[2].intermediate_values == {}


def test_outside_a_study_it_does_nothing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORAGE)
    assert not any(validated(pruning(study="unknown"), [0.1, 0.2]))
    assert study.get_trials()[2].intermediate_values == {}


def test_a_training_does_not_outlive_its_study(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PROCESS, "1" if PARENT != "1" else "2")
    with caplog.at_level(logging.WARNING, logger="segkit"):
        assert validated(pruning(), [0.99]) == [True]
    assert "has ended" in caplog.text
    assert study.get_trials()[2].user_attrs == {}


def test_a_database_that_fails_costs_no_training(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    callback = pruning()
    assert validated(callback, []) == []

    def broken(*_: object) -> None:
        raise OSError("gone")

    assert callback._storage is not None
    monkeypatch.setattr(callback._storage, "set_trial_intermediate_value", broken)
    monkeypatch.setattr(callback, "on_train_start", lambda *_: None)
    with caplog.at_level(logging.WARNING, logger="segkit"):
        assert validated(callback, [0.1, 0.2]) == [False, False]
    assert "could not be reported" in caplog.text
    assert study.get_trials()[2].intermediate_values == {}
