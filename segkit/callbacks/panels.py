"""Each epoch the same validation images: image, truth, prediction, overlay."""

import math
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
from numpy.typing import NDArray

from segkit.drawing import save_png
from segkit.metrics import dice
from segkit.panel import PanelRow, panel
from segkit.task import SegmentationTask
from segkit.tensorboard import RunTensorBoard


class Panels(pl.Callback):
    """Draws ``panels/epoch_NNN.png`` and the same to TensorBoard.

    Args:
        every_n_epochs: 1 draws each epoch.
        tensorboard_megabytes: budget for the event file; panels beyond it are files only.
    """

    def __init__(self, *, every_n_epochs: int, tensorboard_megabytes: float) -> None:
        self.every_n_epochs = every_n_epochs
        self.budget = tensorboard_megabytes * 2**20

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw, in the first process only."""
        epoch = trainer.current_epoch
        if trainer.sanity_checking or not trainer.is_global_zero or epoch % self.every_n_epochs:
            return
        assert isinstance(pl_module, SegmentationTask)
        picture = draw_panel(pl_module)
        if picture is None:
            return
        path = Path(trainer.default_root_dir) / "panels" / f"epoch_{epoch:03d}.png"
        save_png(path, picture)
        self.budget -= path.stat().st_size
        for logger in trainer.loggers:
            if isinstance(logger, RunTensorBoard) and self.budget > 0:
                logger.log_panel(picture, epoch)


def draw_panel(task: SegmentationTask) -> NDArray[np.uint8] | None:
    """The panel of the validation just finished, (H, W, 3) uint8; None where nothing was scored."""
    data, counted = task.data, task.counted["val"]
    counts = dict(zip(counted.indices, counted.counts_NK4, strict=True))
    rows = []
    # A validation that was cut short (trainer.limit_val_batches) lacks some.
    for index in [i for i in data.panel_indices() if i in counts]:
        record = data.records[index]
        scores = dice(counts[index][1:])
        defined = scores[np.isfinite(scores)]
        rows.append(
            PanelRow(
                id=record.id,
                image=data.cache.image(record.id),
                truth=data.cache.mask(record.id),
                prediction=counted.kept[index],
                score=float(defined.mean()) if len(defined) else math.nan,
            )
        )
    return panel(rows, classes=data.classes) if rows else None
