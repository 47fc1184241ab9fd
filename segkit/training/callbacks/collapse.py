"""Warns where the network keeps predicting nothing, or everything."""

import logging

import lightning.pytorch as pl

from segkit.training.module import SegmentationModule

log = logging.getLogger(__name__)


_PATIENCE = 3  # validations: the first epochs of many trainings draw nothing yet


class CollapseWarning(pl.Callback):
    """Looks at each validation epoch: is all of it predicted background, or none of it?

    It is said when it has lasted for three validations, and is a warning, which heads the report,
    when the training ends with it.
    """

    def __init__(self) -> None:
        self._since = 0  # epoch
        self._lasted = 0  # validations
        self._found = ""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count how long it has lasted."""
        assert isinstance(pl_module, SegmentationModule)
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        found = pl_module.task.scorer.collapsed(pl_module.counted["val"].counts)
        if found != self._found:
            self._since, self._lasted, self._found = trainer.current_epoch, 0, found
        self._lasted += 1
        if found and self._lasted == _PATIENCE:
            log.info("%s", self._words())

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Warn where it has lasted to the end."""
        del pl_module
        if self._found and trainer.is_global_zero:
            log.warning("the training ended so: %s", self._words())

    def _words(self) -> str:
        return (
            f"since epoch {self._since} {self._found}, "
            "or other masks (segkit.check pictures them) may help"
        )
