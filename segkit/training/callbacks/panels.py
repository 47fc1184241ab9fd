"""Each epoch the same validation images: image, truth, prediction, overlay."""

import lightning.pytorch as pl
import numpy as np
from numpy.typing import NDArray

from segkit.core.run_folder import PANELS
from segkit.drawing.panel import PanelRow, panel
from segkit.training.callbacks.pictures import EpochPictures
from segkit.training.module import SegmentationModule


class Panels(pl.Callback):
    """Draws ``panels/epoch_NNN.png`` and the same to TensorBoard.

    Args:
        every_n_epochs: 1 draws each epoch.
        tensorboard_megabytes: budget for the event file; panels beyond it are files only.
    """

    def __init__(self, *, every_n_epochs: int, tensorboard_megabytes: float) -> None:
        self.pictures = EpochPictures(
            PANELS,
            every_n_epochs=every_n_epochs,
            tensorboard_megabytes=tensorboard_megabytes,
        )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw, in the first process only."""
        if not self.pictures.due(trainer):
            return
        assert isinstance(pl_module, SegmentationModule)
        picture = draw_panel(pl_module)
        if picture is not None:
            self.pictures.write(trainer, picture)


def draw_panel(module: SegmentationModule) -> NDArray[np.uint8] | None:
    """The panel of the validation just finished, (H, W, 3) uint8; None where nothing was scored."""
    data, task, counted = module.data, module.task, module.counted["val"]
    scores = dict(
        zip(counted.indices, task.scorer.each(counted.counts, task.headline[0]), strict=True)
    )
    rows = []
    # A validation that was cut short (trainer.limit_val_batches) lacks some.
    for index in [i for i in data.panel_indices() if i in scores]:
        record = data.records[index]
        rows.append(
            PanelRow(
                id=record.id,
                image=data.cache.image(record.id),
                truth=data.cache.mask(record.id),
                prediction=counted.kept[index],
                caption=task.words.caption(float(scores[index])),
            )
        )
    return panel(rows, task.painter) if rows else None
