"""Keeps ``metrics.csv`` and ``curves.png``, tells the loggers, and says how the epoch went."""

import logging
import math
import time
from contextlib import suppress
from typing import Literal

import lightning.pytorch as pl
from torch.optim import Optimizer

from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.core.run_folder import RunFolder
from segkit.core.tables import read_table, table_text
from segkit.drawing.curves import curves
from segkit.training.module import SegmentationModule
from segkit.training.terms import PREFIX

log = logging.getLogger(__name__)

Row = dict[str, float]
# Measured by a clock: more digits than these mean nothing.
_TIMED = ("seconds", "images_per_second")


class RunRecord(pl.Callback):
    """One row an epoch. The table is rewritten as a whole, so it is never cut short.

    Args:
        monitor: the score that the best epoch is chosen by.
        mode: ``min`` or ``max``.
    """

    def __init__(self, *, monitor: str, mode: Literal["min", "max"]) -> None:
        self.monitor = monitor
        self.mode = mode
        self.rows: list[Row] = []
        self._headline: list[str] = []  # of the task, as columns
        self._rate = math.nan
        self._started = time.perf_counter()
        self._validated = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After a resume, take up the table where the checkpoint was written."""
        assert isinstance(pl_module, SegmentationModule)
        self._headline = [f"val/{name}" for name in pl_module.task.headline]
        path = RunFolder(trainer.default_root_dir).metrics
        if path.exists():
            known = [{key: float(value) for key, value in row.items()} for row in read_table(path)]
            self.rows = [row for row in known if row["epoch"] < trainer.current_epoch]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the epoch's clock."""
        del pl_module
        self._started = time.perf_counter()
        self._validated = False
        self._rate = _rate(trainer.optimizers[0])  # unless a step tells otherwise

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Remember the rate of this step: after it, the schedule has set the next one's."""
        del trainer, pl_module
        self._rate = _rate(optimizer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remember that this epoch has scores: the Trainer keeps showing those of the last."""
        del trainer, pl_module
        self._validated = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the row."""
        assert isinstance(pl_module, SegmentationModule)
        row = self._row(trainer, pl_module)
        self.rows.append(row)
        if not trainer.is_global_zero:
            return
        write_text(RunFolder(trainer.default_root_dir).metrics, self._table())
        scalars = {key: value for key, value in row.items() if key != "epoch"}
        if self._validated:
            scores = pl_module.task.scorer.scalars(pl_module.scores["val"])
            scalars |= {f"val/{name}": value for name, value in scores.items()}
            known = trainer.callback_metrics.items()
            scalars |= {name: float(term) for name, term in known if name.startswith(PREFIX)}
        for logger in trainer.loggers:
            logger.log_metrics(scalars, step=trainer.current_epoch)
        log.info("%s", self._line(row))

    def _line(self, row: Row) -> str:
        """An epoch in eighty columns; what was not measured is left out."""
        scored = dict.fromkeys(("val/loss", *self._headline[:1], self.monitor))
        shown = {"loss": row["train/loss"], **{name: row[name] for name in scored}}
        told = [f"{name} {value:.4f}" for name, value in shown.items() if math.isfinite(value)]
        parts = [
            f"epoch {int(row['epoch'])}",
            *told,
            f"lr {row['lr']:.2g}",
            f"{row['seconds']:.1f} s",
        ]
        return "  ".join(parts)

    def _row(self, trainer: pl.Trainer, module: SegmentationModule) -> Row:
        metrics = trainer.callback_metrics if self._validated else {}
        scored = {name: float(metrics.get(name, math.nan)) for name in self._scored()}
        chosen_by = float(metrics.get(self.monitor, math.nan))
        return {
            "epoch": float(trainer.current_epoch),
            "train/loss": module.training_loss(),
            **scored,
            "lr": self._rate,
            "seconds": time.perf_counter() - self._started,
            "images_per_second": module.images_per_second(),
        } | {self.monitor: chosen_by}

    def _table(self) -> str:
        """``metrics.csv``; the score that the best epoch is chosen by is always in it.

        Scores have every digit: rounded twice, they would not be those of ``summary.json``.
        """
        columns = ("epoch", "train/loss", *self._scored(), "lr", *_TIMED, self.monitor)
        return table_text(list(dict.fromkeys(columns)), map(_written, self.rows))

    def _scored(self) -> list[str]:
        return ["val/loss", *self._headline]

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Warn where the score told no epoch from another."""
        del pl_module
        if trainer.is_global_zero and (told := self._undecided()):
            log.warning("%s", told)

    def _undecided(self) -> str:
        scores = [row[self.monitor] for row in self.rows if math.isfinite(row["val/loss"])]
        known = {score for score in scores if math.isfinite(score)}
        if len(scores) < 2 or len(known) > 1:
            return ""
        words = [f"{score:.4g}" for score in known]
        words += ["undefined"] * (not all(map(math.isfinite, scores)))
        told = (
            f"{self.monitor} was {' or '.join(words)} in each of {len(scores)} epochs and chose "
            "none of them: best.ckpt is the first of equals, last.ckpt has the last weights"
        )
        others = "; monitor=val/loss mode=min chooses by the loss"
        return told + others * (self.monitor != "val/loss")

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the curves."""
        del pl_module
        self._draw(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Draw what there is: a run that was stopped is looked at most of all."""
        del pl_module, exception
        with suppress(SegkitError):  # what ended the run is told, not what follows from it
            self._draw(trainer)

    def _draw(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero and self.rows:
            path = RunFolder(trainer.default_root_dir).curves
            curves(path, self.rows, scores=self._headline, monitor=self.monitor, mode=self.mode)


def _written(row: Row) -> dict[str, object]:
    timed = {key: f"{row[key]:.6g}" for key in _TIMED}
    return {key: repr(value) for key, value in row.items()} | timed | {"epoch": int(row["epoch"])}


def _rate(optimizer: Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])
