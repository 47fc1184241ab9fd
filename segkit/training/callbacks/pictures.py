"""A picture an epoch, as a file and for the loggers that show pictures."""

from pathlib import Path

import lightning.pytorch as pl

from segkit.core.files import write_bytes
from segkit.drawing.overlay import Picture, encode_png
from segkit.training.tensorboard import RunTensorBoard
from segkit.training.trackers.base import RunLogger


class EpochPictures:
    """Writes ``NAME/epoch_NNN.png`` into the run folder.

    Args:
        name: of the folder, and of the series in TensorBoard.
        every_n_epochs: 1 is each epoch.
        tensorboard_megabytes: budget for the event file; pictures beyond it are files only.
    """

    def __init__(self, name: str, *, every_n_epochs: int, tensorboard_megabytes: float) -> None:
        self.name = name
        self.every_n_epochs = every_n_epochs
        self.budget = tensorboard_megabytes * 2**20

    def due(self, trainer: pl.Trainer) -> bool:
        """Whether this process is to draw in this epoch: only the first one ever does."""
        drawn = trainer.is_global_zero and not trainer.sanity_checking
        return drawn and trainer.current_epoch % self.every_n_epochs == 0

    def write(self, trainer: pl.Trainer, picture: Picture) -> None:
        """Write (H, W, 3) uint8, encoded once for both."""
        epoch, png = trainer.current_epoch, encode_png(picture)
        write_bytes(Path(trainer.default_root_dir) / self.name / f"epoch_{epoch:03d}.png", png)
        self.budget -= len(png)
        for logger in trainer.loggers:
            over = isinstance(logger, RunTensorBoard) and self.budget <= 0
            if isinstance(logger, RunLogger) and not over:
                logger.log_picture(self.name, png, epoch)
