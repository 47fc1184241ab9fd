"""The largest batch that fits: tried out on a copy of the network, before a run folder is made."""

import copy
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.hardware import autocast, best_precision
from segkit.core.heap import hand_back
from segkit.data.datamodule import SegmentationData
from segkit.models.footprint import footprint
from segkit.training.module import SegmentationModule

SHARE = 0.5  # of the memory that is free on a CPU: the data set's pages want some, too
STEPS = 10  # an epoch, at least
_LITTLE = 2**28  # bytes: a step that takes less is tried out as it is


def fit_batch(
    data: SegmentationData, module: SegmentationModule, trainer: Mapping[str, Any]
) -> dict[str, str]:
    """Give the data the largest batch, where ``dataset.batch_size=auto`` asks for it.

    Returns:
        What was chosen and why, in words; nothing where nothing was.
    """
    if data.batch_size:
        return {}
    size = data.size or data.crop  # whole images are validated, whatever is cropped in training
    assert size is not None
    if trainer.get("devices") == "auto" and torch.cuda.device_count() > 1:
        raise SegkitError(
            "several processes would each find a batch size of their own",
            where=f"dataset.batch_size=auto, {torch.cuda.device_count()} GPUs",
            remedy="set dataset.batch_size to a number, or trainer.devices=1",
        )
    found, why = largest_batch(
        module,
        size=size,
        channels=data.channels,
        images=len(data.indices("train")),
        trainer=trainer,
    )
    # As Lightning's own finder does: only prepared data tell how many images an epoch has.
    data.batch_size = found
    return {"batch size": f"{found}: {why}"}


def largest_batch(
    module: SegmentationModule,
    *,
    size: tuple[int, int],
    channels: int,
    images: int,
    trainer: Mapping[str, Any],
) -> tuple[int, str]:
    """Double the batch until a training step no longer fits, or an epoch has too few steps.

    Args:
        module: with fresh weights; left as it is.
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
        held = _try(module, (max(2, 2 * batch), *size, channels), device, str(precision))
        if held is None:
            why = f"the next double does not fit into the memory of {device}"
            break
        batch = max(2, 2 * batch)
        free = memory.available()
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


def _foreseen(module: SegmentationModule, shape_BHWC: tuple[int, ...], precision: str) -> bool:
    """Whether memory will hold a step: a process that takes more than there is, is killed."""
    images, rows, columns, channels = shape_BHWC
    shape_BCHW = (images, channels, rows, columns)
    needed = footprint(
        module.network,
        shape_BCHW,
        precision=precision,
        loss=module.loss,
        target=module.task.objective.example,
        training=True,
    )
    if needed is None or needed < _LITTLE:
        return True
    free = memory.available()
    return free is None or needed <= free


def _try(
    module: SegmentationModule, shape_BHWC: tuple[int, ...], device: torch.device, precision: str
) -> int | None:
    """Bytes that a step takes beyond what was held before; None where it does not fit."""
    if device.type == "cpu" and not _foreseen(module, shape_BHWC, precision):
        return None
    before = _restart_peak()
    try:
        with torch.random.fork_rng(devices=[]):
            network = copy.deepcopy(module.network).to(device).train()
            loss_of = copy.deepcopy(module.loss).to(device)
            optimizer = module.optimizer(network.parameters())
            image_BHWC = torch.zeros(shape_BHWC, dtype=torch.uint8, device=device)
            target = module.task.objective.example(shape_BHWC[:3], device)
            with autocast(device, precision):
                loss = loss_of(network(image_BHWC.permute(0, 3, 1, 2)), target)
            loss.backward()
            optimizer.step()
    except torch.cuda.OutOfMemoryError:
        return None
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        return None
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return max(0, memory.most_held() - before)


def _restart_peak() -> int:
    """Forget the most that this process has held; what it holds now, in bytes."""
    hand_back()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # proc(5)
    return memory.resident()
