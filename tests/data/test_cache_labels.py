"""Labels in the cache: every number, at either size, and the targets that loaders make of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Record, Sample, TruthKind
from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation
from segkit.data.cache import Cache
from segkit.data.cache_build import CacheSpec
from segkit.data.dataset import CachedDataset, collate
from segkit.data.loaders import batch_bytes, fitting_crop
from segkit.data.readers.base import Reader
from segkit.data.device_dataset import DeviceDataset, DeviceAugmentation, QuarterTurns
from tests.data.caching import build

SHAPE = (37, 53)  # odd, so that an image's bytes leave the labels off a boundary of four


class Labelled(Reader):
    """Label images, given as arrays; None: a mask alone."""

    layout = "in memory"

    def __init__(self, root: Path, labels: dict[str, NDArray[Any] | None]) -> None:
        root.mkdir(exist_ok=True)
        super().__init__(root, classes=["background", "nucleus"])
        self.labels = labels
        for name in labels:
            (root / name).touch()

    def scan(self) -> Listing:
        return Listing([Record(n, n, n, (n,)) for n in self.source.names()], [])

    def read(self, record: Record) -> Sample:
        labels = self.labels[record.id]
        shape = SHAPE if labels is None else labels.shape
        image = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
        mask = np.ones(shape, np.uint8) if labels is None else (labels > 0).astype(np.uint8)
        return Sample(image, mask, labels)


def drawn(*, least: int = 0) -> NDArray[np.int32]:
    labels = np.random.default_rng(least % 1000).integers(0, 9, SHAPE).astype(np.int32)
    labels[labels > 0] += least
    return labels


EVERY = {
    "a-few": drawn(),
    "b-255": drawn(least=250),
    "c-65535": drawn(least=65_530),
    "d-16M": drawn(least=2**24 - 3),
    "e-most": drawn(least=2**31 - 1 - 8),
    "f-empty": np.zeros(SHAPE, np.int32),
    "g-full": np.full(SHAPE, 2**31 - 1, np.int32),
    "h-turned": np.asfortranarray(drawn(least=70_000)),
    "i-window": np.pad(drawn(least=300), 5)[5:-5, 5:-5],
}


@pytest.fixture
def reader(tmp_path: Path) -> Labelled:
    return Labelled(tmp_path / "data", dict(EVERY))


def nearest(labels: NDArray[np.int32], size: tuple[int, int]) -> NDArray[np.int32]:
    """The nearest pixel centre of each output pixel, by definition."""
    rows, columns = (
        np.floor((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [None, (17, 23), (80, 64)])
def test_every_label_is_kept(
    reader: Labelled, cache_dir: Path, size: tuple[int, int] | None, channels: int
) -> None:
    cache = build(reader, cache_dir, CacheSpec(size, channels, labels=True))
    assert cache.problems == []
    assert cache.kind == np.int32
    for again in (cache, Cache(cache.folder)):
        for name, labels in EVERY.items():
            native, mask = again.native_mask(name), again.mask(name)
            assert native.dtype == mask.dtype == np.int32
            np.testing.assert_array_equal(native, labels)
            np.testing.assert_array_equal(mask, nearest(labels, size or SHAPE))
            assert again.image(name).shape == (*(size or SHAPE), channels)


def test_labels_and_masks_are_two_caches(reader: Labelled, cache_dir: Path) -> None:
    labels = build(reader, cache_dir, CacheSpec(None, 3, labels=True))
    masks = build(reader, cache_dir, CacheSpec(None, 3))
    assert labels.folder != masks.folder
    assert masks.kind == np.uint8
    for name, truth in EVERY.items():
        np.testing.assert_array_equal(masks.mask(name), truth > 0)
        np.testing.assert_array_equal(masks.native_mask(name), truth > 0)
        np.testing.assert_array_equal(masks.image(name), labels.image(name))
        assert masks.checksums[name].image == labels.checksums[name].image


def test_a_label_that_changed_is_another_checksum(tmp_path: Path, cache_dir: Path) -> None:
    """Two objects become one: the mask is the same, what is learnt is not."""
    spec = CacheSpec(None, 3, labels=True)
    before = build(Labelled(tmp_path / "one", dict(EVERY)), cache_dir, spec).checksums
    joined = {**EVERY, "a-few": np.minimum(EVERY["a-few"], 1)}
    after = build(Labelled(tmp_path / "two", joined), cache_dir, spec).checksums
    assert before["a-few"].image == after["a-few"].image
    assert before["a-few"].mask != after["a-few"].mask
    assert before["b-255"] == after["b-255"]


def test_a_mask_that_tells_no_objects_apart_is_a_bad_record(
    tmp_path: Path, cache_dir: Path
) -> None:
    reader = Labelled(tmp_path / "data", {"a": drawn(), "b": None})
    cache = build(reader, cache_dir, CacheSpec(None, 3, labels=True))
    assert list(cache.entries) == ["a"]
    (problem,) = cache.problems
    assert problem.what == "its mask does not tell objects apart"
    assert "task=semantic" in problem.remedy
    assert list(build(reader, cache_dir, CacheSpec(None, 3)).entries) == ["a", "b"]


def encode(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    return np.stack([labels > 0, labels % 2]).astype(np.float32)


@pytest.mark.parametrize("crop", [None, (16, 24)])
def test_targets_are_of_the_labels_as_they_were_moved(
    reader: Labelled, cache_dir: Path, crop: tuple[int, int] | None
) -> None:
    cache = build(reader, cache_dir, CacheSpec(None, 3, labels=True))
    ids = [name for name in EVERY if name not in ("d-16M", "e-most", "g-full")]
    data = CachedDataset(
        cache,
        ids,
        augmentation=Augmentation(transforms=[]),
        crop=crop,
        native=True,
        encode=encode,
    )
    items = [data[0, index] for index in range(len(ids))]
    batch = collate(items)
    assert batch["mask_BHW"].dtype == torch.int32
    assert batch["target"].dtype == torch.float32
    assert batch["target"].shape == (len(ids), 2, *(crop or SHAPE))
    for n, name in enumerate(ids):
        labels = batch["mask_BHW"][n].numpy()
        np.testing.assert_array_equal(batch["target"][n].numpy(), encode(labels))
        np.testing.assert_array_equal(batch["native"][n].numpy(), EVERY[name])
        if crop is None:
            np.testing.assert_array_equal(labels, EVERY[name])
    assert "target" not in collate([CachedDataset(cache, ids)[0, 0]])


def test_a_batch_with_targets_is_counted_with_them(reader: Labelled, cache_dir: Path) -> None:
    """What loaders keep ready is estimated from it: no less than there is."""
    cache = build(reader, cache_dir, CacheSpec(None, 3, labels=True))
    three = TruthKind(labels=True, encode=lambda labels: np.zeros((3, *labels.shape), np.float32))
    for native in (True, False):
        data = CachedDataset(cache, list(EVERY), native=native, encode=three.encode)
        batch: Any = collate([data[0, 0], data[0, 1]])
        tensors = [*(batch[key] for key in ("image_BCHW", "mask_BHW", "target"))]
        tensors += batch.get("native", [])
        assert batch_bytes(data, 2) == sum(t.numel() * t.element_size() for t in tensors)


def test_the_device_holds_labels(reader: Labelled, cache_dir: Path) -> None:
    cache = build(reader, cache_dir, CacheSpec((32, 32), 3, labels=True))
    ids = list(EVERY)
    held = DeviceDataset(
        cache,
        ids,
        range(len(ids)),
        augmentation=DeviceAugmentation(transforms=[]),
        seed=0,
        device=torch.device("cpu"),
    )
    batch = held.__getitems__([(0, index) for index in range(len(ids))])
    assert batch["mask_BHW"].dtype == torch.int32
    for n, name in enumerate(ids):
        np.testing.assert_array_equal(batch["mask_BHW"][n].numpy(), nearest(EVERY[name], (32, 32)))
    turned = replace_augmentation(held)
    moved = turned.__getitems__([(0, 4)])["mask_BHW"]
    assert sorted(moved.flatten().tolist()) == sorted(nearest(EVERY["e-most"], (32, 32)).ravel())


def replace_augmentation(held: DeviceDataset) -> DeviceDataset:
    held.augmentation = DeviceAugmentation(transforms=[QuarterTurns()])
    return held


def sized(tmp_path: Path, *sizes: tuple[int, int]) -> Labelled:
    labels: dict[str, Any] = {f"r{n}": np.ones(size, np.int32) for n, size in enumerate(sizes)}
    return Labelled(tmp_path / "sized", labels)


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ([(300, 400), (1000, 257)], 256),
        ([(300, 400), (520, 250)], 224),
        ([(300, 400), (64, 500)], 64),
        ([(300, 400), (500, 63)], 32),
        ([(300, 400), (20, 31)], 20),
    ],
)
def test_a_crop_that_nobody_asked_for_fits_every_image(
    tmp_path: Path, cache_dir: Path, sizes: list[tuple[int, int]], side: int
) -> None:
    cache = build(sized(tmp_path, *sizes), cache_dir, CacheSpec(None, 1, labels=True))
    assert fitting_crop(cache, "auto") == (side, side)


def test_a_crop_that_was_asked_for_is_taken_or_refused(tmp_path: Path, cache_dir: Path) -> None:
    cache = build(sized(tmp_path, (60, 90), (48, 100)), cache_dir, CacheSpec(None, 1, labels=True))
    assert fitting_crop(cache, None) is None
    assert fitting_crop(cache, (48, 90)) == (48, 90)
    for crop in ((49, 64), (32, 91)):
        with pytest.raises(SegkitError, match="smaller than the crop of") as caught:
            fitting_crop(cache, crop)
        assert caught.value.where.startswith("record r")
        assert "auto" in caught.value.remedy
        assert f"{crop[1]}×{crop[0]}" in caught.value.what


def test_without_an_image_a_crop_is_what_it_is(reader: Labelled, cache_dir: Path) -> None:
    cache = build(reader, cache_dir, CacheSpec(None, 1, labels=True))
    cache.entries = {name: replace(entry) for name, entry in cache.entries.items() if not name}
    assert fitting_crop(cache, "auto") == (256, 256)
