"""The warning about a network that draws nothing."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segkit.training.callbacks.collapse import CollapseWarning

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*",
    "ignore:.*number of training batches.*",
    "ignore:.*LeafSpec.*is deprecated",
    "ignore:.*Checkpoint directory .* exists.*",
)


@pytest.fixture
def task(finished: Any) -> Iterator[Any]:
    before = finished.module.counted["val"]
    yield finished.module
    finished.module.counted["val"] = before


Rows = list[list[int]]
NOTHING: Rows = [[0, 0, 5, 95], [0, 0, 0, 100]]
EVERYTHING: Rows = [[5, 95, 0, 0], [0, 100, 0, 0]]
SOMETHING: Rows = [[1, 0, 4, 95], [0, 0, 5, 95]]


def told(
    task: Any, epochs: list[Rows], caplog: pytest.LogCaptureFixture, **changes: Any
) -> list[tuple[int, str, str]]:
    """What a training of these validations says: in which epoch, how loud, and what."""
    callback, said = CollapseWarning(), []
    state = {"sanity_checking": False, "is_global_zero": True} | changes
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="segkit"):
        for epoch, foreground in enumerate(epochs):
            counts = np.array([[row[::-1], row] for row in foreground], np.int64)
            task.counted["val"] = replace(task.counted["val"], counts=counts)
            trainer: Any = SimpleNamespace(current_epoch=epoch, **state)
            callback.on_validation_end(trainer, task)
            said += [(epoch, each) for each in caplog.records]
            caplog.clear()
        callback.on_train_end(trainer, task)
        said += [(len(epochs), each) for each in caplog.records]
    return [(epoch, each.levelname, each.getMessage()) for epoch, each in said]


def test_a_start_that_draws_nothing_is_no_alarm(
    task: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """As the default run begins."""
    assert told(task, [NOTHING, NOTHING, SOMETHING], caplog) == []


@pytest.mark.parametrize(
    ("collapsed", "what"), [(NOTHING, "background"), (EVERYTHING, "foreground")]
)
def test_it_is_said_once_when_it_has_lasted_and_warned_of_at_the_end(
    task: Any, collapsed: Rows, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    said = told(task, [SOMETHING, *[collapsed] * 5], caplog)
    assert [each[:2] for each in said] == [(3, "INFO"), (6, "WARNING")]
    for _, _, words in said:
        assert f"since epoch 1 every validation pixel has been predicted {what}" in words
        assert "optim.lr" in words


def test_a_network_that_recovers_leaves_no_warning(
    task: Any, caplog: pytest.LogCaptureFixture
) -> None:
    said = told(task, [*[NOTHING] * 4, SOMETHING], caplog)
    assert [each[:2] for each in said] == [(2, "INFO")]


def test_a_training_of_one_epoch_is_warned_of(task: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert [each[:2] for each in told(task, [NOTHING], caplog)] == [(1, "WARNING")]


def test_each_kind_is_counted_alone(task: Any, caplog: pytest.LogCaptureFixture) -> None:
    said = told(task, [NOTHING, NOTHING, EVERYTHING, EVERYTHING], caplog)
    assert [each[:2] for each in said] == [(4, "WARNING")]
    assert "since epoch 2" in said[0][2]


@pytest.mark.parametrize(
    "foreground",
    [
        pytest.param([[5, 94, 0, 1], [0, 100, 0, 0]], id="a pixel was left alone"),
        pytest.param([[100, 0, 0, 0]], id="all of it is foreground"),
        pytest.param([[1, 0, 4, 95], [0, 0, 5, 95]], id="a pixel was found"),
        pytest.param([[0, 1, 5, 94], [0, 0, 5, 95]], id="a pixel was drawn, though wrongly"),
        pytest.param([[0, 0, 0, 100], [0, 0, 0, 100]], id="there was nothing to draw"),
    ],
)
def test_no_false_alarm(task: Any, foreground: Rows, caplog: pytest.LogCaptureFixture) -> None:
    assert told(task, [foreground] * 4, caplog) == []


@pytest.mark.parametrize("changes", [{"sanity_checking": True}, {"is_global_zero": False}])
def test_one_process_says_it_and_none_before_the_first_step(
    task: Any, changes: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    assert told(task, [NOTHING] * 4, caplog, **changes) == []
