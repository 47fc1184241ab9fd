"""The progress bar: loss, score and images a second."""

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBarTheme
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from segkit.training.module import SegmentationModule

_WIDE, _NARROW = 110, 75  # columns of the terminal, from which on a further figure fits


class RunProgressBar(RichProgressBar):
    """Lightning's bar with the figures that a segmentation run is watched by."""

    def __init__(self) -> None:
        theme = RichProgressBarTheme(metrics_format=".4g", metrics_text_delimiter="  ")
        super().__init__(refresh_rate=5, leave=False, theme=theme)

    def configure_columns(self, trainer: pl.Trainer) -> list[Any]:
        """What fits beside the figures on one line: the bar is what grows and shrinks."""
        del trainer
        width = max(4, min(40, self._columns() - 70))
        theme = self.theme
        return [
            TextColumn("{task.description}"),
            BarColumn(
                width, theme.progress_bar, theme.progress_bar_finished, theme.progress_bar_pulse
            ),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        ]

    def _columns(self) -> int:
        return self._console.width if self._console else _WIDE

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Loss of the last step, the last validation's score, images a second of this epoch."""
        known: dict[str, Any] = dict(super().get_metrics(trainer, pl_module))
        assert isinstance(pl_module, SegmentationModule)
        shown: dict[str, Any] = {}
        # Read when the bar is drawn, not at each step: a GPU would be waited for.
        if (loss := pl_module.last_loss()) is not None:
            shown["loss"] = loss
        # The line of the last epoch, above the bar, has it too.
        leading = f"val/{pl_module.task.headline[0]}"
        if leading in known and self._columns() >= _WIDE:
            shown[leading] = known[leading]
        if self._columns() >= _NARROW and (rate := pl_module.images_per_second()):
            shown["images/s"] = round(rate, 1)
        return shown
