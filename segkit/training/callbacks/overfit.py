"""Says whether a few batches were learnt by heart, as any sound training can."""

import logging
import math
from typing import Any

import lightning.pytorch as pl

from segkit.training.callbacks.interrupts import received
from segkit.training.module import SegmentationModule

log = logging.getLogger(__name__)

_REMEDY = (
    "look at panels/ (do the masks fit the images?), then at optim.lr, the loss and the network; "
    "trainer.max_epochs=N gives it more time"
)


class OverfitVerdict(pl.Callback):
    """Ends the training when a score is reached, and says whether it was.

    Args:
        goal: to be reached; None takes the task's.
        monitor: a score of the validation, which is on the training images; higher is better.
            None takes the one that the task's runs are known by.
    """

    def __init__(self, *, goal: float | None, monitor: str | None = None) -> None:
        self.monitor, self.goal = monitor, goal
        self.best = -math.inf

    @property
    def reached(self) -> bool:
        """Whether the score has been as high as the goal."""
        return self.goal is not None and self.best >= self.goal

    def state_dict(self) -> dict[str, Any]:
        """The best score so far, for a run that is resumed."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up again."""
        self.best = float(state_dict["best"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """End at once what had been learnt before."""
        assert isinstance(pl_module, SegmentationModule)
        task = pl_module.task
        self.monitor = self.monitor or f"val/{task.headline[0]}"
        self.goal = task.learnt if self.goal is None else self.goal
        trainer.should_stop = trainer.should_stop or self.reached

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop where it is reached; the same in every process."""
        del pl_module
        score = float(trainer.callback_metrics.get(str(self.monitor), math.nan))
        self.best = max(self.best, score)  # which a NaN leaves as it is
        trainer.should_stop = trainer.should_stop or self.reached

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say it, unless a signal has ended the training: a resumed run will."""
        del pl_module
        if not trainer.is_global_zero:
            return
        told = f"{self.monitor} {self.best:.4f}" if math.isfinite(self.best) else "no score"
        if self.reached:
            log.info("overfit: %s after %d epochs: learnt", told, trainer.current_epoch)
        elif received(trainer) is None:
            log.warning("overfit: %s of %g: not learnt; %s", told, self.goal, _REMEDY)


def learnt(trainer: pl.Trainer) -> dict[str, bool]:
    """The verdict of this training for its summary; empty where none was asked for."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    verdict = next((each for each in callbacks if isinstance(each, OverfitVerdict)), None)
    return {} if verdict is None else {"learnt": verdict.reached}
