"""Labels go where the pixels go, exactly, under every augmentation and however large they are."""

from typing import Any

import albumentations
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from segkit.data.augment import Augmentation, Augmenter
from segkit.data.device_dataset import DeviceAugmentation, QuarterTurns
from tests.data.augmentations import CONF, build

GROUPS = sorted(path.stem for path in CONF.glob("*.yaml"))
LARGE = (255, 65_535, 2**24, 2**31 - 200)
Labels = NDArray[np.int32]


def small(rows: int = 96, columns: int = 96) -> NDArray[np.uint8]:
    """Cells of a Voronoi diagram, numbered 1 … 60, some of them left out: they touch everywhere."""
    rng = np.random.default_rng(5)
    centres = rng.integers(0, (rows, columns), (60, 2))
    y, x = np.mgrid[:rows, :columns]
    distance = (y[..., None] - centres[:, 0]) ** 2 + (x[..., None] - centres[:, 1]) ** 2
    cells = distance.argmin(axis=2) + 1
    return np.asarray(np.where(np.isin(cells, (7, 20, 33)), 0, cells), np.uint8)


def raised(indices: NDArray[np.uint8], least: int) -> Labels:
    """The same objects by numbers above ``least``; background stays."""
    labels = indices.astype(np.int32)
    labels[indices > 0] += least
    return labels


def image_of(indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(indices[..., None], 3, axis=2)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("shape", [(96, 96), (96, 128)])
@pytest.mark.parametrize("least", LARGE)
def test_labels_move_as_a_mask_of_the_same_draw(
    group: str, shape: tuple[int, int], least: int
) -> None:
    augment = build(group)
    indices = small(*shape)
    labels = raised(indices, least)
    labels.setflags(write=False)
    image, moved = image_of(indices), 0
    for seed in range(12):
        first_image, mask = augment(image, indices, seed=seed)
        second_image, found = augment(image, labels, seed=seed)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(second_image, first_image)
        held = least < 2**24 - 60
        expected = raised(mask, least) if held else mask.astype(np.int32)
        if held or isinstance(augment, DeviceAugmentation):
            np.testing.assert_array_equal(found, raised(mask, least))
        else:
            # Numbered anew, for floats would join them; the objects are the same.
            pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
            assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]
            assert (pairs[:, 0] == 0).all() or not (pairs == 0).any()
        moved += not np.array_equal(mask, indices)
    assert moved > 3 or group == "none"


@pytest.mark.parametrize("group", [name for name in GROUPS if name != "none"])
@pytest.mark.parametrize("crop", [None, (160, 160)])
def test_labels_lie_where_the_pixels_that_encode_them_went(
    group: str, crop: tuple[int, int] | None
) -> None:
    """Each object has a grey level of its own; where no level is mixed, it tells the label."""
    augment = build(group, geometry_only=True)
    indices = small(256, 256)
    image = image_of(indices * np.uint8(4))
    for seed in range(8):
        drawn, labels = augment(image, raised(indices, 70_000), seed=seed, crop=crop)
        level = drawn[..., 0] / 4
        told = np.where(labels > 0, labels - 70_000, 0)
        inner = _inner(told)
        assert inner.mean() > 0.1
        # Two transforms in turn interpolate twice: a pixel may see a little of what is far.
        assert np.mean(told[inner] == np.rint(level)[inner]) > 0.998


def _inner(indices: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels at least three away from any other object, where interpolation mixes nothing."""
    inner = np.ones(indices.shape, bool)
    for down in range(-3, 4):
        for across in range(-3, 4):
            inner &= np.roll(indices, (down, across), (0, 1)) == indices
    inner[:3], inner[-3:], inner[:, :3], inner[:, -3:] = False, False, False, False
    return inner


@pytest.mark.parametrize("least", [2**24 - 1, 2**24, 2**31 - 200])
def test_labels_that_floats_would_join_stay_apart(least: int) -> None:
    """2^24 + 1 is 2^24 in float32."""
    labels = np.full((32, 32), least, np.int32)
    labels[:, 10:20] = least + 1
    labels[:, 20:] = least + 2
    augment = Augmentation(transforms=[albumentations.HorizontalFlip(p=1)])
    _, found = augment(np.zeros((32, 32, 3), np.uint8), labels, seed=0)
    assert found.dtype == np.int32
    assert len(np.unique(found)) == 3
    assert found.min() > 0, "an image full of objects has no background"
    assert (found[:, :12] == found[0, 0]).all()
    _, some = augment(np.zeros((32, 32, 3), np.uint8), np.where(labels == least, 0, labels), seed=0)
    assert (some[:, 22:] == 0).all()
    assert len(np.unique(some)) == 3


@pytest.mark.parametrize("group", GROUPS)
def test_an_image_without_objects_has_none_afterwards(group: str) -> None:
    augment: Augmenter = build(group)
    for seed in range(4):
        _, found = augment(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.int32), seed=seed)
        assert found.dtype == np.int32
        assert not found.any()


@pytest.mark.parametrize("least", LARGE)
def test_whole_batches_on_the_device_move_their_labels(least: int) -> None:
    augment = DeviceAugmentation(transforms=[QuarterTurns()])
    masks = torch.from_numpy(np.stack([small(), np.ascontiguousarray(small()[::-1])]))
    labels = torch.where(masks > 0, masks.to(torch.int32) + least, 0)
    images = masks[:, None].repeat(1, 3, 1, 1)
    for seed in range(6):
        image, found = augment.batch(images, labels, seeds=[seed, seed + 100])
        assert found.dtype == torch.int32
        expected = image[:, 0].to(torch.int32)
        assert torch.equal(found, torch.where(expected > 0, expected + least, 0))
