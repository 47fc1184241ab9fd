"""The terms of a loss that has several: which of them does not fall?"""

import lightning.pytorch as pl
from torch import Tensor

PREFIX = "val/loss_"


def log_terms(module: pl.LightningModule, outputs_BKHW: Tensor, target: Tensor) -> None:
    """Keep the terms of a validation batch, where the module's loss tells them.

    They are ``callback_metrics`` of the Trainer, ``val/loss_<term>``, means over the images.
    """
    terms = getattr(module.loss, "terms", None)
    if terms is None:
        return
    for name, term in terms(outputs_BKHW, target).items():
        size = len(outputs_BKHW)
        module.log(f"{PREFIX}{name}", term, batch_size=size, sync_dist=True, logger=False)
