"""How long a training takes: by the steps that a network needs, not by the size of the data."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from segkit.data.datamodule import SegmentationData

STEPS = 1500
LEAST, MOST = 10, 300  # epochs


def fit_epochs(data: SegmentationData, trainer: Mapping[str, Any]) -> tuple[int | None, str]:
    """How many epochs, where ``trainer.max_epochs=auto`` asks for it, and why.

    Several processes take fewer steps an epoch, each of a larger batch: the epochs stay.

    Args:
        data: prepared, with the batch size known.
        trainer: its configuration.

    Returns:
        The number that was asked for, or found; and in words how, where it was found.
    """
    if trainer["max_epochs"] != "auto":
        return trainer["max_epochs"], ""
    images = len(data.indices("train"))
    found = min(max(LEAST, ceil(STEPS / max(1, images // data.batch_size))), MOST)
    return found, f"{found}: about {STEPS} steps of {data.batch_size} of the {images} images"
