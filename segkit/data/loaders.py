"""Loaders: how many processes, and what they hand over."""

import os
import signal
from collections.abc import Sequence
from math import prod
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, Sampler

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.data.augment import Augmenter
from segkit.data.cache import Cache
from segkit.data.dataset import CachedDataset, Item, Key, ShuffledSampler, collate
from segkit.data.device_dataset import DeviceAugmentation, DeviceDataset

_AHEAD = 2  # batches that each loader process keeps ready: torch's prefetch_factor
_CROP, _STRIDE = 256, 32  # of a crop that nobody asked for, in pixels
_TARGET = 12  # bytes a pixel of a target that loaders make: three planes of floats
_SHARE = 0.5  # of the memory, for all that they keep ready


def worker_count(
    wanted: int | Literal["auto"], *, on_gpu: bool, batch: int = 0, processes: int = 1
) -> tuple[int, str]:
    """Loader processes, and why so many.

    Args:
        wanted: a number, or ``auto``.
        on_gpu: whether the step leaves the cores free.
        batch: bytes of one; fewer processes are taken where memory does not hold what they
            keep ready, which changes no result.
        processes: of the training on this machine, which share its memory.
    """
    cores = os.cpu_count() or 2
    if wanted != "auto":
        count, why = wanted, "as asked for"
    elif on_gpu:
        count = min(8, cores - 1)
        why = f"of {cores} cores, one is left to the step; 8 keep up with a GPU"
    else:
        return 0, "the step needs every core, and the cache is far faster than it"
    # They hand batches over through shared memory, which is memory, too.
    rooms = [room for room in (memory.shared(), memory.available()) if room is not None]
    fit = int(_SHARE * min(rooms)) // (processes * _AHEAD * batch) if rooms and batch else count
    if fit >= count:
        return count, why
    ready = memory.gib(processes * _AHEAD * count * batch)
    return fit, f"{count} would keep {ready} ready; memory has less"


def batch_bytes(dataset: CachedDataset, count: int) -> int:
    """Bytes of a batch of so many of the largest images that a data set gives."""
    entries = dataset.cache.entries.values()
    sizes = [entry.pixels for entry in entries]
    if dataset.crop:
        sizes = [prod(dataset.crop)]
    elif dataset.largest is not None:
        sizes = [size for size in sizes if size <= (dataset.largest or 0)]
    truth = max((prod(entry.native) for entry in entries), default=0) if dataset.native else 0
    wide = dataset.cache.kind.itemsize
    # A target is some planes of floats; that of a task of classes is its mask.
    own = dataset.cache.channels + wide + (0 if dataset.encode is None else _TARGET)
    return count * (max(sizes, default=0) * own + wide * truth)


def make_loader(
    dataset: CachedDataset,
    sampler: Sampler[Key],
    *,
    batch_size: int,
    drop_last: bool,
    workers: int | Literal["auto"],
    on_gpu: bool,
    seed: int,
    processes: int = 1,
) -> DataLoader[Item]:
    """A loader of cached samples, stacked to batches; of fewer processes where memory is short."""
    batch = batch_bytes(dataset, batch_size)
    workers, _ = worker_count(workers, on_gpu=on_gpu, batch=batch, processes=processes)
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=drop_last,
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=_leave_interrupts if workers else None,
        pin_memory=on_gpu,
        # A loader would draw its base seed from the global generator.
        generator=torch.Generator().manual_seed(seed),
    )


def _leave_interrupts(worker: int) -> None:
    """Signals may reach every process of a job; the main one ends its step, and then these."""
    del worker
    for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)


def device_loader(
    cache: Cache,
    ids: Sequence[str],
    sampler: ShuffledSampler,
    augmentation: Augmenter,
    *,
    batch_size: int,
    drop_last: bool,
    device: torch.device,
    seed: int,
) -> DataLoader[Any]:
    """A loader of batches that are on the device already.

    Raises:
        SegkitError: an augmentation that works on the CPU, or more than the device can hold.
    """
    if not isinstance(augmentation, DeviceAugmentation):
        raise SegkitError(
            "this augmentation works on the CPU, image by image",
            where="augment, dataset.device_cache=true",
            remedy="set augment=device_light, or dataset.device_cache=false",
        )
    indices = [int(index) for index in sampler.indices]
    _require_room(cache, ids, indices, device)
    try:
        held = DeviceDataset(
            cache, ids, indices, augmentation=augmentation, seed=seed, device=device
        )
    except torch.cuda.OutOfMemoryError as error:
        raise SegkitError(
            f"{len(indices)} images do not fit into the memory of {device}",
            where="dataset.device_cache=true",
            remedy="set dataset.device_cache=false, or a smaller dataset.size",
        ) from error
    return DataLoader(
        held,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=drop_last,
        collate_fn=_as_it_is,
        generator=torch.Generator().manual_seed(seed),
    )


def _as_it_is(batch: Any) -> Any:
    """The data set gives whole batches already."""
    return batch


def _require_room(
    cache: Cache, ids: Sequence[str], indices: Sequence[int], device: torch.device
) -> None:
    if device.type == "cpu":
        entry = cache.entries[ids[indices[0]]]
        memory.require(
            len(indices) * entry.pixels * (cache.channels + cache.kind.itemsize),
            f"holding {len(indices)} images",
            where="dataset.device_cache=true",
            remedy="set dataset.device_cache=false, or a smaller dataset.size",
        )


def fitting_crop(
    cache: Cache, crop: tuple[int, int] | Literal["auto"] | None
) -> tuple[int, int] | None:
    """The crop, once the images are known: ``auto`` is 256 pixels, or what the smallest can give.

    Raises:
        SegkitError: with the first image that is smaller than the crop.
    """
    entries = cache.entries.values()
    if crop == "auto":
        smallest = min((min(entry.height, entry.width) for entry in entries), default=_CROP)
        side = min(_CROP, max(smallest // _STRIDE * _STRIDE, min(smallest, _STRIDE)))
        return side, side
    for entry in entries if crop else ():
        if crop and (entry.height < crop[0] or entry.width < crop[1]):
            raise SegkitError(
                f"an image of {entry.width}×{entry.height} pixels is smaller than the crop of "
                f"{crop[1]}×{crop[0]}",
                where=f"record {entry.id}",
                remedy="make dataset.crop smaller, or auto, or set dataset.size so that images are "
                "enlarged first",
            )
    return crop
