"""The table of epochs: what it says, and that it is never cut short or told twice."""

import csv
import logging
import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest

from segkit.imaging.pixels import decode
from segkit.training.callbacks.record import RunRecord
from segkit.training.schedules import cosine, one_cycle
from tests.training.small_module import make_task, make_trainer, phantom_data

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*",
    "ignore:.*number of training batches.*",
    "ignore:.*LeafSpec.*is deprecated",
    "ignore:.*Checkpoint directory .* exists.*",
)


def table(folder: Path) -> list[dict[str, float]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def a_trainer(folder: Path, *, epoch: int, metrics: dict[str, float], told: Any = None) -> Any:
    """As much of a Trainer as the callback looks at."""
    logger = SimpleNamespace(log_metrics=lambda scalars, step: told.append((step, scalars)))
    return SimpleNamespace(
        default_root_dir=str(folder),
        current_epoch=epoch,
        callback_metrics=metrics,
        optimizers=[SimpleNamespace(param_groups=[{"lr": 0.5}])],
        is_global_zero=True,
        loggers=[] if told is None else [logger],
    )


def test_one_row_an_epoch(finished: Any) -> None:
    text = (finished.folder / "metrics.csv").read_text(encoding="utf-8")
    promised = "epoch,train/loss,val/loss,val/dice,val/iou,lr,seconds,images_per_second"
    assert text.splitlines()[0] == promised
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["0", "1", "2"]
    rows = table(finished.folder)
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert all(0 <= row["val/dice"] <= 1 for row in rows)
    assert all(row["seconds"] > 0 for row in rows)
    assert all(row["lr"] == pytest.approx(1e-3) for row in rows)


def test_the_last_row_is_the_last_validation(finished: Any) -> None:
    row = table(finished.folder)[-1]
    scores = finished.module.scores["val"]["all"]
    assert row["val/dice"] == pytest.approx(scores["dice"], rel=1e-5)
    assert row["val/iou"] == pytest.approx(scores["iou"], rel=1e-5)
    assert row["val/loss"] == pytest.approx(finished.module.counted["val"].loss, rel=1e-5)
    assert row["train/loss"] == pytest.approx(finished.module.training_loss(), rel=1e-5)


def test_speed_is_training_images_over_training_seconds(finished: Any) -> None:
    row = table(finished.folder)[-1]
    task = finished.module
    assert task.throughput.images == 8
    assert row["images_per_second"] == pytest.approx(8 / task.throughput.seconds, rel=1e-4)
    # Validation is not training time.
    assert task.throughput.seconds < row["seconds"]


def test_the_table_has_the_value_that_the_best_epoch_is_chosen_by(
    tmp_path: Path, finished: Any
) -> None:
    """Rounded twice, 0.96825 would be 0.9683 where the summary's figure is 0.9682."""
    exact = float(np.float32(0.96825))
    assert f"{exact:.4f}" == "0.9682"
    record = RunRecord(monitor="val/dice", mode="max")
    trainer = a_trainer(tmp_path, epoch=0, metrics={"val/dice": exact})
    record.on_train_start(trainer, finished.module)
    record.on_train_epoch_start(trainer, finished.module)
    record.on_validation_end(trainer, finished.module)
    finished.module.training_loss = lambda: 0.25
    record.on_train_epoch_end(trainer, finished.module)
    del finished.module.training_loss
    (row,) = table(tmp_path)
    assert row["val/dice"] == exact
    # As a resumed run takes it up again.
    record.on_train_start(a_trainer(tmp_path, epoch=1, metrics={}), finished.module)
    assert record.rows[0]["val/dice"] == exact


@pytest.mark.parametrize(
    "schedule",
    [partial(one_cycle, warmup=0.25, start_factor=0.04), partial(cosine, warmup=0, min_factor=0)],
)
def test_the_rate_is_one_that_a_step_has_used(
    tmp_path: Path, phantom_root: Path, schedule: Any
) -> None:
    class Steps(pl.Callback):
        def __init__(self) -> None:
            self.rates: list[list[float]] = []

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            del trainer, pl_module
            self.rates.append([])

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            del trainer, pl_module
            self.rates[-1].append(optimizer.param_groups[0]["lr"])

    steps, record = Steps(), RunRecord(monitor="val/dice", mode="max")
    trainer = make_trainer(2, steps, record, default_root_dir=tmp_path)
    trainer.fit(make_task(schedule=schedule), phantom_data(phantom_root, tmp_path / "cache"))
    assert len(steps.rates[0]) > 1
    assert [row["lr"] for row in table(tmp_path)] == [epoch[-1] for epoch in steps.rates]


def test_curves_are_drawn_and_nothing_is_left_over(finished: Any) -> None:
    picture = decode((finished.folder / "curves.png").read_bytes(), "curves.png")
    assert min(picture.shape[:2]) > 100
    assert len(np.unique(picture)) > 2
    assert [path.name for path in finished.folder.glob(".*")] == []
    assert list(finished.folder.glob("*.tmp")) == []


def test_a_resumed_run_tells_no_epoch_twice(tmp_path: Path, finished: Any) -> None:
    """The process was killed after epoch 2 was written, but its checkpoint was not."""
    text = (finished.folder / "metrics.csv").read_text(encoding="utf-8")
    (tmp_path / "metrics.csv").write_text(text, encoding="utf-8")
    record = RunRecord(monitor="val/dice", mode="max")
    trainer = a_trainer(tmp_path, epoch=2, metrics={"val/dice": 0.75})
    record.on_train_start(trainer, finished.module)
    record.on_train_epoch_start(trainer, finished.module)
    record.on_validation_end(trainer, finished.module)
    finished.module.training_loss = lambda: 0.25
    record.on_train_epoch_end(trainer, finished.module)
    del finished.module.training_loss
    rows = table(tmp_path)
    assert rows[:2] == table(finished.folder)[:2]
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[2]["val/dice"] == 0.75
    assert rows[2]["train/loss"] == 0.25


def test_an_epoch_without_validation_has_no_scores(tmp_path: Path, finished: Any) -> None:
    """The Trainer goes on showing the scores of the validation before."""
    told: list[tuple[int, dict[str, float]]] = []
    record = RunRecord(monitor="val/dice", mode="max")
    metrics = {"val/loss": 0.5, "val/dice": 0.75, "val/iou": 0.6}
    for epoch in range(3):
        trainer = a_trainer(tmp_path, epoch=epoch, metrics=metrics, told=told)
        record.on_train_epoch_start(trainer, finished.module)
        if epoch != 1:
            record.on_validation_end(trainer, finished.module)
        finished.module.training_loss = lambda: 0.25
        record.on_train_epoch_end(trainer, finished.module)
        del finished.module.training_loss
    dices = [row["val/dice"] for row in table(tmp_path)]
    assert dices[0] == dices[2] == 0.75
    assert math.isnan(dices[1])
    assert [step for step, _ in told] == [0, 1, 2]
    assert "val/precision" in told[0][1]
    assert "val/precision" not in told[1][1]


def test_a_run_that_was_stopped_has_its_curves(tmp_path: Path, finished: Any) -> None:
    (tmp_path / "metrics.csv").write_text(
        (finished.folder / "metrics.csv").read_text(encoding="utf-8"), encoding="utf-8"
    )
    record = RunRecord(monitor="val/dice", mode="max")
    trainer = a_trainer(tmp_path, epoch=3, metrics={})
    record.on_train_start(trainer, finished.module)
    record.on_exception(trainer, finished.module, KeyboardInterrupt())
    assert (tmp_path / "curves.png").is_file()


def test_no_curves_without_an_epoch(tmp_path: Path, finished: Any) -> None:
    record = RunRecord(monitor="val/dice", mode="max")
    record.on_fit_end(a_trainer(tmp_path, epoch=0, metrics={}), finished.module)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("monitor", ["val/dice", "val/iou"])
def test_an_epoch_is_one_line_of_eighty_columns(
    tmp_path: Path, finished: Any, monitor: str, caplog: pytest.LogCaptureFixture
) -> None:
    record = RunRecord(monitor=monitor, mode="max")
    metrics = {"val/loss": 0.5, "val/dice": 0.75, "val/iou": 0.6}
    finished.module.training_loss = lambda: 0.25
    lines = []
    for validated in (True, False):
        trainer = a_trainer(tmp_path, epoch=12, metrics=metrics)
        record.on_train_start(trainer, finished.module)
        record.on_train_epoch_start(trainer, finished.module)
        if validated:
            record.on_validation_end(trainer, finished.module)
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="segkit"):
            record.on_train_epoch_end(trainer, finished.module)
        lines += [each.getMessage() for each in caplog.records]
    del finished.module.training_loss
    assert len(lines) == 2
    more = "  val/iou 0.6000" if monitor == "val/iou" else ""
    scored = f"epoch 12  loss 0.2500  val/loss 0.5000  val/dice 0.7500{more}  lr "
    assert lines[0].startswith(scored)
    assert lines[0].endswith(" s")
    assert lines[1].startswith("epoch 12  loss 0.2500  lr ")  # what was not measured is left out
    assert len(lines[0].replace(more, "")) <= 80


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([math.nan, math.nan], "val/dice was undefined in each of 2 epochs"),
        ([0.0, 0.0, 0.0], "val/dice was 0 in each of 3 epochs"),
        ([math.nan, 0.0], "val/dice was 0 or undefined in each of 2 epochs"),
        ([0.0, 0.25], ""),
        ([0.5], ""),
    ],
)
def test_a_score_that_tells_no_epoch_from_another(
    scores: list[float], words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record = RunRecord(monitor="val/dice", mode="max")
    # An epoch without a validation has neither.
    rows = [{"val/loss": 0.5 - n / 10, "val/dice": score} for n, score in enumerate(scores)]
    record.rows = [*rows, {"val/loss": math.nan, "val/dice": math.nan}]
    with caplog.at_level(logging.WARNING):
        record.on_train_end(a_trainer(tmp_path, epoch=3, metrics={}), make_task())
    assert [words in text and bool(words) for text in caplog.messages] == [True] * bool(words)
    assert not words or "monitor=val/loss mode=min" in caplog.text
    caplog.clear()
    record.monitor = "val/loss"  # which falls
    record.on_train_end(a_trainer(tmp_path, epoch=3, metrics={}), make_task())
    assert caplog.messages == []
