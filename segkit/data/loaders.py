"""Loaders: how many processes, and what they hand over."""

import os
import signal
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, Sampler

from segkit.data.augment import Augmenter
from segkit.data.cache import Cache
from segkit.data.device_cache import DeviceAugmentation, DeviceDataset, EpochBatches
from segkit.data.loading import CachedDataset, Item, Key, ShuffledSampler, collate
from segkit.errors import SegkitError


def worker_count(wanted: int | Literal["auto"], *, on_gpu: bool) -> tuple[int, str]:
    """Loader processes, and why so many."""
    if wanted != "auto":
        return wanted, "as asked for"
    if not on_gpu:
        return 0, "the step needs every core, and the cache is far faster than it"
    cores = os.cpu_count() or 2
    return min(8, cores - 1), f"of {cores} cores, one is left to the step; 8 keep up with a GPU"


def make_loader(
    dataset: CachedDataset,
    sampler: Sampler[Key],
    *,
    batch_size: int,
    drop_last: bool,
    workers: int,
    pinned: bool,
    seed: int,
) -> DataLoader[Item]:
    """A loader of cached samples, stacked to batches."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=drop_last,
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=_leave_interrupts if workers else None,
        pin_memory=pinned,
        # A loader would draw its base seed from the global generator.
        generator=torch.Generator().manual_seed(seed),
    )


def _leave_interrupts(worker: int) -> None:
    """Signals may reach every process of a job; the main one ends its step, and then these."""
    del worker
    for number in (signal.SIGINT, signal.SIGUSR1):
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
    batches = EpochBatches(sampler, batch_size, drop_last)
    generator = torch.Generator().manual_seed(seed)
    # The sampler gives whole batches, so the loader makes none.
    return DataLoader(held, batch_size=None, sampler=batches, generator=generator)


def check_crop(cache: Cache, crop: tuple[int, int] | None) -> None:
    """Refuse a crop that does not fit into every image.

    Raises:
        SegkitError: with the first image that is smaller.
    """
    for entry in cache.entries.values() if crop else ():
        if crop and (entry.height < crop[0] or entry.width < crop[1]):
            raise SegkitError(
                f"an image of {entry.width}×{entry.height} pixels is smaller than the crop of "
                f"{crop[1]}×{crop[0]}",
                where=f"record {entry.id}",
                remedy="make dataset.crop smaller, or set dataset.size so that images are "
                "enlarged first",
            )
