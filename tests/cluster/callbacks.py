"""What makes a training take long, or more memory than its job was given."""

import time
from pathlib import Path

import lightning.pytorch as pl
import numpy as np


class Slow(pl.Callback):
    """Waits in each epoch, so that how long a run takes is known on any machine."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer, pl_module
        time.sleep(self.seconds)


class Hungry(pl.Callback):
    """Takes memory at the end of the third epoch, once in a run folder."""

    def __init__(self, megabytes: int) -> None:
        self.megabytes = megabytes

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        before = Path(trainer.default_root_dir) / "fed"
        if trainer.current_epoch >= 2 and not before.exists():
            before.touch()
            taken = [np.ones(2**20, np.uint8) for _ in range(self.megabytes)]
            assert len(taken) == self.megabytes
