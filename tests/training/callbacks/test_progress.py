"""What the progress bar shows."""

import io
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from segkit.training.callbacks.progress import RunProgressBar

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*",
    "ignore:.*number of training batches.*",
    "ignore:.*LeafSpec.*is deprecated",
    "ignore:.*Checkpoint directory .* exists.*",
)


def test_loss_score_and_speed_and_nothing_else(finished: Any) -> None:
    shown = RunProgressBar().get_metrics(finished.trainer, finished.module)
    assert list(shown) == ["loss", "val/dice", "images/s"]
    assert shown["val/dice"] == pytest.approx(
        finished.module.scores["val"]["all"]["dice"], rel=1e-4
    )
    speed = finished.module.throughput.images / finished.module.throughput.seconds
    assert shown["images/s"] == pytest.approx(speed, abs=0.06)


@pytest.mark.parametrize(
    ("width", "figures"),
    [(60, ["loss"]), (80, ["loss", "images/s"]), (120, ["loss", "val/dice", "images/s"])],
)
def test_the_bar_and_its_figures_are_one_line(
    finished: Any, width: int, figures: list[str]
) -> None:
    bar = RunProgressBar()
    out = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    bar._console = out
    shown = bar.get_metrics(finished.trainer, finished.module)
    assert list(shown) == figures
    longest = {"loss": "1.235e-05", "val/dice": "0.9876", "images/s": 1234.5}
    words = "  ".join(f"{name}: {longest[name]}" for name in shown)
    columns = [*bar.configure_columns(finished.trainer), TextColumn(words)]
    with Progress(*columns, console=out, auto_refresh=False) as progress:
        progress.update(progress.add_task("Epoch 123/149", total=12345), completed=1234)
        progress.refresh()
        drawn = out.file.getvalue().split("Epoch")[-1]  # type: ignore[attr-defined]
    assert words in drawn
    assert "1234/12345" in drawn
    assert "\n" not in drawn


def test_nothing_is_shown_before_it_is_known(finished: Any) -> None:
    task = finished.module
    images, task.throughput.images = task.throughput.images, 0
    shown = RunProgressBar().get_metrics(finished.trainer, task)
    task.throughput.images = images
    assert "images/s" not in shown
