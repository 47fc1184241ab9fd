"""Scores reported to a study, and trainings that it gives up."""

import logging
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna import Study, create_study
from optuna.trial import TrialState

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


@pytest.mark.parametrize(
    ("others", "scores", "ends"),
    [
        pytest.param([[0, 0, 0, 0.3]] * 2, [0, 0, 0], False, id="none has begun"),
        pytest.param([[0, 0, 0, 0.3], [0, 0, 0.3]], [0, 0, 0.15], False, id="as the median is"),
        pytest.param([[0, 0, 0.2], [math.nan] * 3], [0, 0, 0], True, id="one had no score"),
        pytest.param([[math.nan] * 3] * 2, [0, 0, 0], False, id="none had a score"),
        pytest.param([[0, 0, 0.2]] * 2, [math.nan, math.nan, 0.2], False, id="it had none first"),
    ],
)
def test_scores_that_are_0_at_first_or_missing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    others: list[list[float]],
    scores: list[float],
    ends: bool,
) -> None:
    """As AP is: objects are found late, and ties prune no one."""
    address = sqlite(str(tmp_path / "zeros.db"))
    made = create_study(storage=open_storage(address), study_name="s", direction="maximize")
    monkeypatch.setenv(STORAGE, address)
    monkeypatch.setenv(PROCESS, PARENT)
    for number, values in enumerate(others):
        trial = made.ask()
        validated(pruning(trial=number, pruner="none"), values)
        known = [value for value in values if not math.isnan(value)]
        state = None if known else TrialState.FAIL  # as that of a training without a score
        made.tell(trial, max(known, default=None), state)
    made.ask()
    assert validated(pruning(trials=1), scores)[-1] is ends


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

    def broken(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr("segkit.search.pruning.open_storage", broken)
    with caplog.at_level(logging.WARNING, logger="segkit"):
        assert validated(callback, [0.1, 0.2]) == [False, False]
    assert "could not be reported" in caplog.text
    assert study.get_trials()[2].intermediate_values == {}


def test_a_trial_that_was_taken_for_lost_ends(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    study.tell(2, state=TrialState.FAIL)
    with caplog.at_level(logging.WARNING, logger="segkit"):
        assert validated(pruning(), [0.99]) == [True]
    assert "taken this trial for lost" in caplog.text
