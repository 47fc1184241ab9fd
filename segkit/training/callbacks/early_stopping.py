"""Ends a training that no longer gets better."""

import lightning.pytorch as pl
from lightning.pytorch import callbacks

from segkit.training.module import SegmentationModule
from segkit.training.schedules import waits_to_rise


class EarlyStopping(callbacks.EarlyStopping):
    """Lightning's, which begins to count once objects are found.

    Their scores stay at 0 for a while though the loss falls: these epochs say no more to it than
    to :func:`segkit.training.schedules.tells`. Other tasks' are counted from the first. A
    checkpoint holds its state under the name that Lightning's has.
    """

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the epoch's score, where each epoch is validated."""
        if not self._waits(trainer, pl_module):
            super().on_train_epoch_end(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the validation's score, where it does not come once an epoch."""
        if not self._waits(trainer, pl_module):
            super().on_validation_end(trainer, pl_module)

    def _waits(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> bool:
        assert isinstance(pl_module, SegmentationModule)
        score = trainer.callback_metrics.get(self.monitor)
        if score is None or not pl_module.task.labels:
            return False
        return waits_to_rise(self.mode, float(score), float(self.best_score))
