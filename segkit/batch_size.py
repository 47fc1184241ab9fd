"""The largest batch that fits: tried out on a copy of the network, before a run folder is made."""

import copy
import resource
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from segkit.data.datamodule import SegmentationData
from segkit.errors import SegkitError
from segkit.hardware import best_precision
from segkit.task import SegmentationTask

SHARE = 0.5  # of the memory that is free on a CPU: the data set's pages want some, too
STEPS = 10  # an epoch, at least


def fit_batch(
    data: SegmentationData, task: SegmentationTask, trainer: Mapping[str, Any]
) -> dict[str, str]:
    """Give the data the largest batch, where ``dataset.batch_size=auto`` asks for it.

    Returns:
        What was chosen and why, in words; nothing where nothing was.
    """
    if data.batch_size:
        return {}
    size = data.crop or data.size
    assert size is not None
    found, why = largest_batch(
        task,
        size=size,
        channels=data.channels,
        images=len(data.indices("train")),
        trainer=trainer,
    )
    data.batch_size = found
    return {"batch size": f"{found}: {why}"}


def largest_batch(
    task: SegmentationTask,
    *,
    size: tuple[int, int],
    channels: int,
    images: int,
    trainer: Mapping[str, Any],
) -> tuple[int, str]:
    """Double the batch until a training step no longer fits, or an epoch has too few steps.

    Args:
        task: with fresh weights; left as it is.
        size: rows and columns of what the network is given.
        channels: of the images.
        images: for training.
        trainer: its configuration.

    Returns:
        Images a step, and why no more.

    Raises:
        SegkitError: not even two images fit.
    """
    gpu = trainer["accelerator"] not in ("cpu", "mps", "tpu") and torch.cuda.is_available()
    device = torch.device("cuda" if gpu else "cpu")
    precision = trainer["precision"]
    precision = best_precision(trainer["accelerator"]) if precision == "auto" else precision
    most = max(2, images // STEPS)
    batch, why = 0, f"more would leave an epoch of {images} images fewer than {STEPS} steps"
    while max(2, 2 * batch) <= most:
        held = _try(task, (max(2, 2 * batch), *size, channels), device, str(precision))
        if held is None:
            why = f"the next double does not fit into the memory of {device}"
            break
        batch = max(2, 2 * batch)
        free = _free()
        if not gpu and free is not None and 2 * held > SHARE * free:
            why = f"the next double would take more than half of the {free / 2**30:.1f} GiB free"
            break
    if not batch:
        raise SegkitError(
            "not even two images fit into memory",
            where=f"dataset.batch_size=auto, images of {size[0]}×{size[1]}",
            remedy="set a smaller dataset.size or dataset.crop, or dataset.batch_size=1",
        )
    return batch, why


def _try(
    task: SegmentationTask, shape_BHWC: tuple[int, ...], device: torch.device, precision: str
) -> int | None:
    """Bytes that a step takes beyond what was held before; None where it does not fit."""
    before = _peak()
    try:
        with torch.random.fork_rng(devices=[]):
            network = copy.deepcopy(task.network).to(device).train()
            optimizer = task.optimizer(network.parameters())
            image_BHWC = torch.zeros(shape_BHWC, dtype=torch.uint8, device=device)
            mask_BHW = torch.zeros(shape_BHWC[:3], dtype=torch.uint8, device=device)
            with _autocast(device, precision):
                loss = task.loss(network(image_BHWC.permute(0, 3, 1, 2)), mask_BHW)
            loss.backward()
            optimizer.step()
    except torch.cuda.OutOfMemoryError:
        return None
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return _peak() - before


def _autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    if "mixed" not in precision:
        return nullcontext()
    kind = torch.bfloat16 if "bf16" in precision else torch.float16
    return torch.autocast(device.type, dtype=kind)


def _peak() -> int:
    """The most that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _free() -> int | None:
    """Memory that can be had without swapping, in bytes; None where the system does not tell."""
    facts = Path("/proc/meminfo")
    if not facts.is_file():
        return None
    lines = facts.read_text(encoding="utf-8").splitlines()
    known = [line for line in lines if line.startswith("MemAvailable")]
    return 1024 * int(known[0].split()[1]) if known else None
