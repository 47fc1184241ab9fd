"""The verdict on a few batches: when it is given, and what a resumed run knows of it."""

import logging
import signal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.semantic.task import SemanticTask
from segkit.training.callbacks.interrupts import Interrupts
from segkit.training.callbacks.overfit import OverfitVerdict, learnt
from tests.training.small_module import make_task

CLASSES = ("background", "nucleus")


def trainer_of(*callbacks: Any, score: float, stops: bool = False) -> Any:
    return SimpleNamespace(
        callbacks=[*callbacks],
        callback_metrics={"val/dice": score},
        should_stop=stops,
        is_global_zero=True,
        current_epoch=7,
    )


def verdict() -> OverfitVerdict:
    return OverfitVerdict(goal=0.9, monitor="val/dice")


@pytest.mark.parametrize("stops", [False, True])
def test_whatever_ended_it_there_is_a_verdict(
    stops: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """By its last epoch; by early stopping or max_time, which set the same flag."""
    one = verdict()
    trainer = trainer_of(one, Interrupts(every_n_steps=0), score=0.5, stops=stops)
    one.on_validation_end(trainer, cast(Any, None))
    one.on_fit_end(trainer, cast(Any, None))
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert "val/dice 0.5000 of 0.9: not learnt" in told.message
    assert learnt(trainer) == {"learnt": False}


def test_a_signal_leaves_it_open(caplog: pytest.LogCaptureFixture) -> None:
    one, interrupts = verdict(), Interrupts(every_n_steps=0)
    interrupts.received = signal.SIGTERM
    trainer = trainer_of(one, interrupts, score=0.5, stops=True)
    one.on_validation_end(trainer, cast(Any, None))
    one.on_fit_end(trainer, cast(Any, None))
    assert not caplog.records


def test_a_resumed_run_knows_its_best_score() -> None:
    before, after = verdict(), verdict()
    before.on_validation_end(trainer_of(score=0.95), cast(Any, None))
    after.load_state_dict(before.state_dict())
    trainer = trainer_of(after, score=0.1)
    after.on_validation_end(trainer, cast(Any, None))
    assert after.best == 0.95
    assert trainer.should_stop
    assert learnt(trainer) == {"learnt": True}


@pytest.mark.parametrize(
    ("goal", "labels", "score", "reached"),
    [(None, False, 0.98, False), (None, True, 0.9, True), (0.99, True, 0.98, False)],
)
def test_the_goal_is_the_tasks_own(
    goal: float | None, labels: bool, score: float, reached: bool
) -> None:
    task: Any = InstanceTask(CLASSES) if labels else SemanticTask(CLASSES)
    one = OverfitVerdict(goal=goal)
    trainer = trainer_of(one, score=score)
    trainer.callback_metrics = {f"val/{task.headline[0]}": score}
    one.on_train_start(trainer, make_task(task=task))
    assert not trainer.should_stop
    one.on_validation_end(trainer, cast(Any, None))
    assert trainer.should_stop is reached
    assert learnt(trainer) == {"learnt": reached}


def test_without_it_there_is_no_verdict() -> None:
    assert learnt(trainer_of(score=0.5)) == {}
