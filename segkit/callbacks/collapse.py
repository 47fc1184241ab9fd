"""Warns when the network draws nothing at all, which accuracy would not show."""

import logging

import lightning.pytorch as pl

from segkit.task import SegmentationTask

log = logging.getLogger(__name__)


class CollapseWarning(pl.Callback):
    """Looks at each validation epoch: is all of it predicted background, where there is truth?"""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Warn once for every such epoch."""
        assert isinstance(pl_module, SegmentationTask)
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        tp, fp, fn, _ = pl_module.counted["val"].counts_NK4[:, 1:].sum(axis=(0, 1))
        if tp + fp == 0 and fn > 0:
            log.warning(
                "epoch %d: every validation pixel was predicted background (an accuracy of %.3f "
                "that means nothing). If it stays so: loss=dice or loss=tversky, a lower "
                "optim.lr, or check the masks",
                trainer.current_epoch,
                pl_module.scores["val"]["all"].accuracy_all_background,
            )
