"""Samplers, augmented samples and batches: the same with any number of workers."""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import albumentations
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation
from segkit.data.cache import Cache, open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.dataset import CachedDataset, Item, OrderedSampler, ShuffledSampler, collate
from segkit.data.readers.dsb2018 import Dsb2018


@pytest.fixture(scope="module")
def cache(phantom_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    reader = Dsb2018(phantom_root)
    return open_cache(
        reader,
        reader.listing().records,
        spec=CacheSpec((32, 40), 3),
        folder=tmp_path_factory.mktemp("cache"),
        name="set",
        threads=1,
    )


def augmented(cache: Cache, *, seed: int = 0) -> CachedDataset:
    augmentation = Augmentation(
        transforms=[
            albumentations.D4(p=1),
            albumentations.Affine(rotate=(-30, 30), p=0.5),
            albumentations.RandomBrightnessContrast(p=1),
        ]
    )
    return CachedDataset(cache, list(cache.entries), augmentation=augmentation, seed=seed)


def epochs(dataset: CachedDataset, *, workers: int, count: int = 3) -> list[list[str]]:
    """Each epoch's samples in their order: index, and a digest of image and mask."""
    sampler = ShuffledSampler(range(len(dataset)), seed=1, rank=0, world_size=1)
    loader = DataLoader(
        dataset,
        batch_size=5,
        sampler=sampler,
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    found = []
    for epoch in range(count):
        sampler.set_epoch(epoch)
        found.append(
            [
                f"{int(index)} "
                + hashlib.sha256(image.numpy().tobytes() + mask.numpy().tobytes()).hexdigest()
                for batch in loader
                for image, mask, index in zip(
                    batch["image_BCHW"], batch["mask_BHW"], batch["index_B"], strict=True
                )
            ]
        )
    return found


def test_augmentation_is_the_same_for_any_number_of_workers(cache: Cache) -> None:
    alone = epochs(augmented(cache), workers=0)
    assert [len(epoch) for epoch in alone] == [12, 12, 12]
    for workers in (1, 2):
        torch.manual_seed(workers)  # what else seeds workers must not matter
        assert epochs(augmented(cache), workers=workers) == alone
    assert epochs(augmented(cache, seed=9), workers=0) != alone


def test_every_epoch_augments_anew(cache: Cache) -> None:
    found = epochs(augmented(cache), workers=0)
    assert len({version for epoch in found for version in epoch}) == 36
    orders = [[line.split()[0] for line in epoch] for epoch in found]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(map(int, order)) == list(range(12)) for order in orders)
    plain = epochs(CachedDataset(cache, list(cache.entries)), workers=0)
    assert len({version for epoch in plain for version in epoch}) == 12


def test_an_epoch_can_be_taken_up_in_the_middle(cache: Cache) -> None:
    dataset = augmented(cache)
    fresh = augmented(cache)
    for epoch, index in ((0, 3), (2, 3), (1, 0), (2, 3)):
        dataset[epoch, index]
    np.testing.assert_array_equal(dataset[2, 3]["image"], fresh[2, 3]["image"])
    np.testing.assert_array_equal(dataset[2, 3]["mask"], fresh[2, 3]["mask"])
    assert not np.array_equal(dataset[1, 3]["image"], fresh[2, 3]["image"])


def test_without_augmentation_samples_are_the_caches(cache: Cache) -> None:
    dataset = CachedDataset(cache, list(cache.entries), crop=(8, 8), native=True)
    for index, record_id in enumerate(cache.entries):
        item = dataset[7, index]
        np.testing.assert_array_equal(item["image"], cache.image(record_id))
        np.testing.assert_array_equal(item["mask"], cache.mask(record_id))
        np.testing.assert_array_equal(item["native"], cache.native_mask(record_id))
        assert item["index"] == index


def test_crops_wander(cache: Cache) -> None:
    dataset = CachedDataset(
        cache, list(cache.entries), augmentation=Augmentation(transforms=[]), crop=(16, 24)
    )
    image, mask = cache.image("phantom_0000"), cache.mask("phantom_0000")
    corners = set()
    for epoch in range(30):
        item = dataset[epoch, 0]
        assert item["image"].shape == (16, 24, 3)
        found = [
            (row, column)
            for row, column in itertools.product(range(17), range(17))
            if np.array_equal(image[row : row + 16, column : column + 24], item["image"])
        ]
        ((row, column),) = found
        np.testing.assert_array_equal(mask[row : row + 16, column : column + 24], item["mask"])
        corners.add((row, column))
    assert len(corners) > 20


def test_an_error_names_the_record_even_from_a_worker(cache: Cache) -> None:
    dataset = CachedDataset(
        cache, list(cache.entries), augmentation=Augmentation(transforms=[]), crop=(99, 99)
    )
    sampler = OrderedSampler([4], rank=0, world_size=1)
    loader = DataLoader(dataset, sampler=sampler, collate_fn=collate, num_workers=1)
    with pytest.raises(SegkitError, match="smaller than the crop") as caught:
        next(iter(loader))
    assert caught.value.where == "dataset.crop, record phantom_0004"
    assert caught.value.what.startswith("an image of 40×32 pixels")


@pytest.mark.parametrize(("count", "ranks"), [(11, 3), (12, 3), (2, 3), (0, 2), (5, 1)])
def test_ordered_ranks_cover_every_record_once(count: int, ranks: int) -> None:
    indices = [10 * number for number in range(count)]
    samplers = [OrderedSampler(indices, rank=rank, world_size=ranks) for rank in range(ranks)]
    assert sorted(index for sampler in samplers for _, index in sampler) == indices
    for sampler in samplers:
        keys = list(sampler)
        assert len(keys) == len(sampler)
        assert keys == sorted(keys)
        assert {epoch for epoch, _ in keys} <= {0}


def shuffled(
    count: int, ranks: int, *, seed: int = 0, epoch: int = 0
) -> list[Sequence[tuple[int, int]]]:
    samplers = [
        ShuffledSampler(range(count), seed=seed, rank=rank, world_size=ranks)
        for rank in range(ranks)
    ]
    for sampler in samplers:
        sampler.set_epoch(epoch)
        assert len(sampler) == len(list(sampler))
        assert list(sampler) == list(sampler)
    return [list(sampler) for sampler in samplers]


@pytest.mark.parametrize(("count", "ranks"), [(11, 3), (12, 3), (100, 7), (5, 1)])
def test_shuffled_ranks_are_disjoint_and_take_equal_steps(count: int, ranks: int) -> None:
    parts = shuffled(count, ranks)
    assert {len(part) for part in parts} == {count // ranks}
    everything = [index for part in parts for _, index in part]
    assert len(set(everything)) == len(everything) == count // ranks * ranks


def test_shuffled_order_follows_seed_and_epoch_alone() -> None:
    torch.manual_seed(1)
    first = shuffled(50, 2, seed=3, epoch=4)
    torch.manual_seed(2)
    assert shuffled(50, 2, seed=3, epoch=4) == first
    orders = [
        tuple(index for _, index in shuffled(50, 1, seed=seed, epoch=epoch)[0])
        for seed in range(4)
        for epoch in range(4)
    ]
    assert len(set(orders)) == 16
    assert {epoch for part in first for epoch, _ in part} == {4}, "workers are told the epoch"


def test_one_process_and_two_see_the_same_epoch() -> None:
    (alone,) = shuffled(20, 1, epoch=2)
    even, odd = shuffled(20, 2, epoch=2)
    assert [*itertools.chain(*zip(even, odd, strict=True))] == list(alone)


def test_a_record_left_out_of_one_epoch_comes_in_another() -> None:
    seen: set[int] = set()
    for epoch in range(20):
        seen |= {index for part in shuffled(11, 3, epoch=epoch) for _, index in part}
    assert seen == set(range(11))


def items(count: int, channels: int = 3, native: tuple[int, int] | None = None) -> list[Item]:
    rng = np.random.default_rng(0)
    return [
        Item(
            image=rng.integers(0, 256, (6, 8, channels)).astype(np.uint8),
            mask=rng.integers(0, 2, (6, 8)).astype(np.uint8),
            index=40 + number,
            target=None,
            native=None
            if native is None
            else np.full((native[0] + number, native[1]), 1, np.uint8),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_batches_are_channels_last_and_lose_nothing(channels: int) -> None:
    parts = items(4, channels)
    batch = collate(parts)
    images, masks = batch["image_BCHW"], batch["mask_BHW"]
    assert images.shape == (4, channels, 6, 8)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert masks.is_contiguous()
    assert (images.dtype, masks.dtype, batch["index_B"].dtype) == (
        torch.uint8,
        torch.uint8,
        torch.int64,
    )
    assert batch["index_B"].tolist() == [40, 41, 42, 43]
    for number, part in enumerate(parts):
        np.testing.assert_array_equal(images[number].permute(1, 2, 0).numpy(), part["image"])
        np.testing.assert_array_equal(masks[number].numpy(), part["mask"])
    assert "native" not in batch


def test_native_masks_keep_their_own_sizes() -> None:
    batch = collate(items(3, native=(9, 5)))
    assert [tuple(mask.shape) for mask in batch["native"]] == [(9, 5), (10, 5), (11, 5)]
    assert all(mask.dtype == torch.uint8 for mask in batch["native"])
