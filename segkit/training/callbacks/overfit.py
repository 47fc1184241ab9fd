"""Says whether a few batches were learnt by heart, as any sound training can."""

import logging
import math

import lightning.pytorch as pl

log = logging.getLogger(__name__)

_REMEDY = (
    "look at panels/ (do the masks fit the images?), then at optim.lr, the loss and the network; "
    "trainer.max_epochs=N gives it more time"
)


class OverfitVerdict(pl.Callback):
    """Ends the training when a score is reached, and says whether it was.

    Args:
        monitor: a score of the validation, which is on the training images.
        goal: to be reached.
    """

    def __init__(self, *, monitor: str, goal: float) -> None:
        self.monitor, self.goal = monitor, goal
        self.best = -math.inf

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop where it is reached; the same in every process."""
        del pl_module
        score = float(trainer.callback_metrics.get(self.monitor, math.nan))
        self.best = max(self.best, score)  # which a NaN leaves as it is
        trainer.should_stop = trainer.should_stop or self.best >= self.goal

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say it."""
        del pl_module
        if not trainer.is_global_zero:
            return
        told = f"{self.monitor} {self.best:.4f}" if math.isfinite(self.best) else "no score"
        if self.best >= self.goal:
            log.info("overfit: %s after %d epochs: learnt", told, trainer.current_epoch)
        elif not trainer.should_stop:  # by a signal: there is no verdict yet
            log.warning("overfit: %s of %g: not learnt; %s", told, self.goal, _REMEDY)
