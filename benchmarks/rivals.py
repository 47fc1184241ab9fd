"""Other ways to train the same network: MONAI's CacheDataset, and Lightning in the plain way."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from benchmarks.monai_loop import monai_loop
from benchmarks.plain import PlainLightning
from benchmarks.plain_files import write_pairs
from segkit.benchmarks.bare_loop import learner_of
from segkit.benchmarks.training import MONAI, PLAIN
from segkit.data.datamodule import SegmentationData
from segkit.training.module import SegmentationModule

log = logging.getLogger(__name__)


def rivals(
    module: SegmentationModule, data: SegmentationData, device: torch.device, folder: Path
) -> dict[str, Any]:
    """Those that can be had here, by name.

    Args:
        module: of which each trains a copy.
        data: prepared.
        device: to train on.
        folder: that the data set is written to, as plain files.
    """
    found: dict[str, Any] = {}
    train, val = (write_pairs(data, stage, folder) for stage in ("train", "val"))
    assert data.size is not None

    def learner() -> Any:
        return learner_of(module, data.batch_size, device, torch.contiguous_format)

    try:
        found[MONAI] = monai_loop(learner(), train, val, size=data.size, channels=data.channels)
    except ImportError:
        log.warning("MONAI is not installed: pip install 'segkit[benchmark]' to compare with it")
    found[PLAIN] = PlainLightning(
        learner(),
        train,
        val,
        size=data.size,
        channels=data.channels,
        accelerator="gpu" if device.type == "cuda" else "cpu",
    )
    return found
