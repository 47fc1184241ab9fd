"""A callback that ends the process after the first training step, for its time to be taken."""

import multiprocessing
import os
from typing import Any

import lightning.pytorch as pl
import torch


class FirstStep(pl.Callback):
    """Ends the process at once, with exit code 0."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Leave without writing or waiting for anything."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        for process in multiprocessing.active_children():
            process.kill()  # else they would keep our output open
        os._exit(0)
