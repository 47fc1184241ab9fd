"""The decoder's settings, found on the validation split once the network is trained."""

import logging

import lightning.pytorch as pl

from segkit.core.errors import SegkitError
from segkit.data.datamodule import SegmentationData
from segkit.training.module import SegmentationModule

log = logging.getLogger(__name__)


def fit_decoder(
    module: SegmentationModule, data: SegmentationData, trainer: pl.Trainer, checkpoint: str
) -> None:
    """Give the module's task the settings that serve its scores best; every process must call it.

    Nothing is done where the task leaves none to be found. Records are scored as a test scores
    them; the test split is not looked at.

    Args:
        module: that was trained.
        data: with a validation split, or without: the settings then stay.
        trainer: that trained it.
        checkpoint: with the weights to fit to; empty for those that it has.
    """
    if not module.task.auto or not data.indices("val"):
        return
    log.info("fitting the decoder to the validation split")
    fitting, scored, watchers = module.task.scorer.fitting(), data.scored_split, module.watchers
    data.scored_split, module.watchers = "val", (fitting,)
    try:
        trainer.test(
            module, datamodule=data, ckpt_path=checkpoint or None, verbose=False, weights_only=True
        )
    finally:
        data.scored_split, module.watchers = scored, watchers
        for kept in (module.counted, module.scores):
            kept.pop("test", None)
    try:
        settings, words = fitting.best(data.groups)
    except SegkitError as error:
        log.info("%s: the settings stay", error.what)
        return
    module.task = module.task.with_settings(settings)
    log.info("%s", words)
