"""Warns when the network draws nothing, or everything, which a single score may not show."""

import logging

import lightning.pytorch as pl

from segkit.task import SegmentationTask

log = logging.getLogger(__name__)


class CollapseWarning(pl.Callback):
    """Looks at each validation epoch: is all of it predicted background, or none of it?"""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Warn once for every such epoch."""
        assert isinstance(pl_module, SegmentationTask)
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        counts_NK4 = pl_module.counted["val"].counts_NK4
        tp, fp, fn, _ = counts_NK4[:, 1:].sum(axis=(0, 1))
        background = counts_NK4[:, 0].sum(axis=0)
        if tp + fp == 0 and fn > 0:
            log.warning(
                "epoch %d: every validation pixel was predicted background (an accuracy of %.3f "
                "that means nothing). If it stays so: loss=dice or loss=tversky, a lower "
                "optim.lr, or check the masks",
                trainer.current_epoch,
                pl_module.scores["val"]["all"].accuracy_all_background,
            )
        elif background[:2].sum() == 0 and background[2] > 0:
            log.warning(
                "epoch %d: every validation pixel was predicted foreground. If it stays so: more "
                "epochs, a lower optim.lr, a larger dataset.batch_size, or check the masks",
                trainer.current_epoch,
            )
