"""The progress bar: loss, score and images a second."""

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBarTheme

from segkit.task import SegmentationTask


class RunProgressBar(RichProgressBar):
    """Lightning's bar with the figures that a segmentation run is watched by."""

    def __init__(self) -> None:
        theme = RichProgressBarTheme(metrics_format=".4g", metrics_text_delimiter="  ")
        super().__init__(refresh_rate=5, leave=False, theme=theme)

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Loss of the last step, the last validation's Dice, images a second of this epoch."""
        known: dict[str, Any] = dict(super().get_metrics(trainer, pl_module))
        assert isinstance(pl_module, SegmentationTask)
        shown: dict[str, Any] = {}
        # Read when the bar is drawn, not at each step: a GPU would be waited for.
        if (loss := pl_module.last_loss()) is not None:
            shown["loss"] = loss
        if "val/dice" in known:
            shown["val/dice"] = known["val/dice"]
        if rate := pl_module.images_per_second():
            shown["images/s"] = round(rate, 1)
        return shown
