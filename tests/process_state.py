"""What of a process a library might change, for a comparison of before and after."""

import logging
import os
import random
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import tifffile
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf.basecontainer import BaseContainer
from PIL import Image

from segkit.core.limits import most_pixels

# Imported here, since they set up their own loggers and warnings as they load.
LIBRARIES = (pl, tifffile)
LOGGERS = ("", "PIL", "lightning", "lightning.fabric", "lightning.pytorch", "py.warnings")


def process_state() -> dict[str, Any]:
    """By name; equal where nothing was changed."""
    named = (*LOGGERS, "segkit", "tifffile")
    loggers = {
        name: (each.level, [*each.handlers], [*each.filters], each.propagate, each.disabled)
        for name in named
        for each in (logging.getLogger(name),)
    }
    return {
        "Pillow's bound": Image.MAX_IMAGE_PIXELS,
        "segkit's bound": most_pixels(),
        "loggers": loggers,
        "warnings": ([*warnings.filters], warnings.showwarning),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "arguments": [*sys.argv],
        "main": getattr(sys.modules["__main__"], "__spec__", None),
        "signals": {each: signal.getsignal(each) for each in signal.valid_signals()},
        "random": random.getstate(),
        "numpy": str(np.random.get_state()),
        "torch": torch.get_rng_state().tolist(),
        "precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": torch.backends.cudnn.benchmark,
        "threads": torch.get_num_threads(),
        "hydra": (GlobalHydra.instance(), GlobalHydra.instance().hydra),
        "hydra's configuration": HydraConfig.instance().cfg,
        "resolvers": dict(BaseContainer._resolvers),
    }


def changed(before: dict[str, Any]) -> dict[str, Any]:
    """What is not as it was, before and after."""
    now = process_state()
    return {name: (before[name], now[name]) for name in before if before[name] != now[name]}
