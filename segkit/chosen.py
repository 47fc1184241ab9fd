"""What segkit chose for the user, and why."""

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl

from segkit.data.datamodule import SegmentationData
from segkit.data.loaders import batch_bytes, worker_count
from segkit.hardware import precision_and_reason


def chosen(
    config: Mapping[str, Any], data: SegmentationData, trainer: pl.Trainer
) -> dict[str, str]:
    """In words, what ``auto`` came to; what was asked for is left out.

    Args:
        config: of the run.
        data: its datamodule.
        trainer: on its device.
    """
    found = {}
    if config["trainer"]["precision"] == "auto":
        reason = precision_and_reason(config["trainer"]["accelerator"])[1]
        found["precision"] = f"{trainer.precision}: {reason}"
    if data.device_cache:
        found["input"] = f"training images are held on {trainer.strategy.root_device}"
    elif data.num_workers == "auto":
        on_gpu = trainer.strategy.root_device.type == "cuda"
        batch = batch_bytes(data.dataset("train"), data.batch_size)
        workers, reason = worker_count("auto", on_gpu=on_gpu, batch=batch)
        found["loader"] = f"{workers} processes: {reason}"
    return found
