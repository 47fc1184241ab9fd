"""Augmentation: image and mask stay together, and a seed gives the same bits anywhere."""

import hashlib
import os
import pickle
import subprocess
import sys

import albumentations
import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation, Augmenter, sample_seed
from tests.data.augmentations import CONF, build

GROUPS = sorted(path.stem for path in CONF.glob("*.yaml"))


def blobs(rows: int = 96, columns: int = 96) -> NDArray[np.uint8]:
    """Two discs and a bar, nowhere symmetric: 0 and 1."""
    y, x = np.mgrid[:rows, :columns]
    disc = (y - 30) ** 2 + (x - 40) ** 2 < 18**2
    small = (y - 48) ** 2 + (x - 14) ** 2 < 8**2
    bar = (abs(y - 54) < 4) & (x > 44) & (x < 62)
    return np.asarray(disc | small | bar, np.uint8)


def noise(rows: int, columns: int, channels: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (rows, columns, channels), np.uint8)


def test_the_promised_groups_are_there() -> None:
    promised = {"none", "flip", "light", "strong", "keras_generator", "ancestor_deepcell"}
    assert promised <= set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    "shape",
    [
        (64, 64, 1),
        (64, 64, 3),
        (64, 96, 1),
        (100, 72, 3),
        pytest.param((512, 512, 3), marks=pytest.mark.slow),
    ],
)
def test_group_keeps_shape_type_and_input(group: str, shape: tuple[int, int, int]) -> None:
    augment = build(group)
    image, mask = noise(*shape), blobs(*shape[:2])
    image_before, mask_before = image.copy(), mask.copy()
    # What a read-only memory map hands out.
    image.setflags(write=False)
    mask.setflags(write=False)
    for seed in range(12 if shape[0] < 512 else 3):
        new_image, new_mask = augment(image, mask, seed=seed)
        assert new_image.shape == shape
        assert new_mask.shape == shape[:2]
        assert new_image.dtype == new_mask.dtype == np.uint8
        assert set(np.unique(new_mask)) <= {0, 1}
    np.testing.assert_array_equal(image, image_before)
    np.testing.assert_array_equal(mask, mask_before)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("shape", [(96, 96), (96, 128)])
def test_mask_stays_integer_and_aligned(group: str, shape: tuple[int, int]) -> None:
    augment = build(group, geometry_only=True)
    mask = blobs(*shape)
    image = mask[..., None] * np.uint8(255)
    # Class 7 shows interpolation: a mean of 0 and 7 is neither.
    for seed in range(30):
        new_image, new_mask = augment(image, mask * np.uint8(7), seed=seed)
        assert set(np.unique(new_mask)) == {0, 7}
        agree = np.mean((new_image[..., 0] > 127) == (new_mask == 7))
        # 1 % is a rim of about half a pixel around the blobs.
        assert agree > 0.99


def test_mask_is_nearest_even_where_a_transform_asks_for_more() -> None:
    turn = albumentations.Affine(rotate=(30, 30), mask_interpolation=1, p=1)
    mask = blobs() * np.uint8(7)
    assert set(np.unique(turn(image=mask, mask=mask)["mask"])) > {0, 7}
    augment = Augmentation(transforms=[albumentations.OneOf([turn], p=1)])
    _, new_mask = augment(mask[..., None], mask, seed=0)
    assert set(np.unique(new_mask)) == {0, 7}
    assert not np.array_equal(new_mask, mask)


def test_mask_border_is_background_by_default() -> None:
    shift = albumentations.Affine(translate_percent=(0.5, 0.5), p=1)
    augment = Augmentation(transforms=[shift])
    image = np.full((64, 64, 3), 200, np.uint8)
    _, mask = augment(image, np.ones((64, 64), np.uint8), seed=0)
    assert mask[:31, :31].max() == 0
    assert mask[33:, 33:].min() == 1


def digest(augment: Augmenter) -> str:
    image, mask = noise(64, 80, 3), blobs(64, 80)
    drawn = [augment(image, mask, seed=seed, crop=(48, 48)) for seed in (*range(8), 2**64 - 1)]
    return hashlib.sha256(b"".join(a.tobytes() for pair in drawn for a in pair)).hexdigest()


@pytest.mark.parametrize("group", GROUPS)
def test_same_seed_gives_the_same_bits_whatever_came_before(group: str) -> None:
    fresh, used = build(group), build(group)
    for seed in range(50, 60):
        used(noise(64, 64, 3), blobs(64, 64), seed=seed)
    assert digest(used) == digest(fresh) == digest(pickle.loads(pickle.dumps(used)))


@pytest.mark.slow
def test_another_process_gives_the_same_bits_and_calls_nobody() -> None:
    # Reaching for the network ends the process with code 3; an exception would be swallowed.
    code = (
        "import os, runpy, sys, urllib.request\n"
        "urllib.request.OpenerDirector.open = lambda *a, **k: os._exit(3)\n"
        "from hydra.utils import instantiate\n"
        "from omegaconf import OmegaConf\n"
        "augment = instantiate(OmegaConf.load(sys.argv[1]))\n"
        "print(runpy.run_path(sys.argv[2])['digest'](augment))\n"
    )
    clean = {k: v for k, v in os.environ.items() if k != "NO_ALBUMENTATIONS_UPDATE"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(CONF / "strong.yaml"), __file__],
        env={**clean, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(build("strong"))


@pytest.mark.parametrize("group", [name for name in GROUPS if name != "none"])
def test_epochs_and_records_differ(group: str) -> None:
    augment = build(group)
    image, mask = noise(64, 64, 3), blobs(64, 64)

    def draws(epochs: range, record: str) -> list[bytes]:
        return [
            augment(image, mask, seed=sample_seed(0, epoch, record))[0].tobytes()
            for epoch in epochs
        ]

    assert len(set(draws(range(8), "a"))) > 1
    assert draws(range(8), "a") != draws(range(8), "b")


@pytest.mark.parametrize("crop", [(65, 10), (10, 81)])
def test_crop_larger_than_the_image_is_refused_by_name(crop: tuple[int, int]) -> None:
    with pytest.raises(SegkitError, match=rf"80×64.*{crop[1]}×{crop[0]}") as caught:
        build("light")(noise(64, 80, 3), blobs(64, 80), seed=0, crop=crop, name="image_17")
    assert "image_17" in caught.value.where
    assert "dataset.crop" in caught.value.where


@pytest.mark.parametrize("name", ["RandomCrop", "Normalize", "ToFloat"])
def test_a_transform_that_breaks_the_batch_is_refused(name: str) -> None:
    size = {"height": 32, "width": 32} if name == "RandomCrop" else {}
    transform = getattr(albumentations, name)(**size, p=1)
    with pytest.raises(SegkitError, match="the augmentation made") as caught:
        Augmentation(transforms=[transform])(noise(64, 64, 3), blobs(64, 64), seed=0, name="r1")
    assert "r1" in caught.value.where


def test_a_misspelt_argument_is_refused_even_when_nested() -> None:
    with pytest.warns(UserWarning, match="brightnes"):
        typo = albumentations.RandomBrightnessContrast(brightnes_limit=(0, 1))
    with pytest.raises(SegkitError, match=r"RandomBrightnessContrast.*'brightnes_limit'") as caught:
        Augmentation(transforms=[albumentations.OneOf([typo])])
    assert "brightness_limit" in caught.value.remedy


def test_sample_seed_is_fixed_and_tells_its_parts_apart() -> None:
    # A changed value would change every run that is resumed or repeated.
    assert sample_seed(7, 0, "a") == 15839111923340668834
    keys = [(s, e, r) for s in range(12) for e in range(12) for r in ("", "1", "a", "é")]
    seeds = {sample_seed(*key) for key in keys}
    assert len(seeds) == len(keys)
    assert all(0 <= seed < 2**64 for seed in seeds)
