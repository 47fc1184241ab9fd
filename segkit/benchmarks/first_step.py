"""A callback that ends the process after the first training step, for its time to be taken."""

import os
from typing import Any

import lightning.pytorch as pl


class FirstStep(pl.Callback):
    """Ends the process at once, with exit code 0."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Leave without writing or waiting for anything."""
        os._exit(0)
