"""The warning about a network that draws nothing."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segkit.callbacks.collapse import CollapseWarning

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*",
    "ignore:.*number of training batches.*",
    "ignore:.*LeafSpec.*is deprecated",
    "ignore:.*Checkpoint directory .* exists.*",
)


@pytest.fixture
def task(finished: Any) -> Iterator[Any]:
    before = finished.task.counted["val"]
    yield finished.task
    finished.task.counted["val"] = before


def warned(
    task: Any, foreground: list[list[int]], caplog: pytest.LogCaptureFixture, **changes: Any
) -> list[str]:
    counts = np.array([[row[::-1], row] for row in foreground], np.int64)
    task.counted["val"] = replace(task.counted["val"], counts_NK4=counts)
    state = {"sanity_checking": False, "is_global_zero": True, "current_epoch": 4} | changes
    trainer: Any = SimpleNamespace(**state)
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="segkit"):
        CollapseWarning().on_validation_end(trainer, task)
    return [record.getMessage() for record in caplog.records]


def test_all_background_where_there_is_truth(task: Any, caplog: pytest.LogCaptureFixture) -> None:
    messages = warned(task, [[0, 0, 5, 95], [0, 0, 0, 100]], caplog)
    assert len(messages) == 1
    assert "epoch 4" in messages[0]
    assert "predicted background" in messages[0]
    assert "loss=dice" in messages[0]


def test_all_foreground_where_there_is_background(
    task: Any, caplog: pytest.LogCaptureFixture
) -> None:
    messages = warned(task, [[5, 95, 0, 0], [0, 100, 0, 0]], caplog)
    assert len(messages) == 1
    assert "predicted foreground" in messages[0]


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
def test_no_false_alarm(
    task: Any, foreground: list[list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    assert warned(task, foreground, caplog) == []


@pytest.mark.parametrize("changes", [{"sanity_checking": True}, {"is_global_zero": False}])
def test_it_is_said_once(
    task: Any, changes: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    assert warned(task, [[0, 0, 5, 95]], caplog, **changes) == []
