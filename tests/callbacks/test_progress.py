"""What the progress bar shows."""

from typing import Any

import pytest

from segkit.callbacks.progress import RunProgressBar

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*",
    "ignore:.*number of training batches.*",
    "ignore:.*LeafSpec.*is deprecated",
    "ignore:.*Checkpoint directory .* exists.*",
)


def test_loss_score_and_speed_and_nothing_else(finished: Any) -> None:
    shown = RunProgressBar().get_metrics(finished.trainer, finished.task)
    assert list(shown) == ["loss", "val/dice", "images/s"]
    assert shown["val/dice"] == pytest.approx(finished.task.scores["val"]["all"].dice, rel=1e-4)
    speed = finished.task.pace.images / finished.task.pace.seconds
    assert shown["images/s"] == pytest.approx(speed, abs=0.06)


def test_nothing_is_shown_before_it_is_known(finished: Any) -> None:
    task = finished.task
    images, task.pace.images = task.pace.images, 0
    shown = RunProgressBar().get_metrics(finished.trainer, task)
    task.pace.images = images
    assert "images/s" not in shown
