"""Flips, turns and crops: drawn as often as each should be, for image and mask alike."""

from collections import Counter
from typing import Any

import albumentations
import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.data.augment import Augmentation, sample_seed
from tests.data.augmentations import build


def flips(p: float = 0.5) -> list[albumentations.BasicTransform]:
    return [albumentations.HorizontalFlip(p=p), albumentations.VerticalFlip(p=p)]


def flipped(result: NDArray[np.uint8]) -> tuple[bool, bool]:
    """Left-right, up-down; from where the bright corner (0, 0) has gone."""
    row, column = np.argwhere(result == 1)[0]
    return bool(column), bool(row)


@pytest.mark.parametrize("nested", [False, True])
def test_two_flips_are_independent(nested: bool) -> None:
    steps: list[Any] = flips()
    if nested:
        steps = [albumentations.OneOf([flips(1)[0]], p=0.5), albumentations.SomeOf([flips()[1]], 1)]
    augment = Augmentation(transforms=steps)
    mask = np.zeros((8, 8), np.uint8)
    mask[0, 0] = 1
    found = Counter(
        flipped(augment(mask[..., None], mask, seed=sample_seed(0, 0, str(number)))[1])
        for number in range(1000)
    )
    # Four equally likely outcomes: 250 each, standard deviation 13.7.
    assert len(found) == 4
    assert all(abs(count - 250) < 70 for count in found.values())


def test_the_eight_symmetries_are_equally_likely() -> None:
    augment = build("light", geometry_only=True)
    image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    found = Counter(augment(image, image[..., 0], seed=seed)[0].tobytes() for seed in range(1600))
    # 200 each, standard deviation 13.2.
    assert len(found) == 8
    assert all(abs(count - 200) < 66 for count in found.values())


def test_an_oblong_is_flipped_and_turned_by_halves() -> None:
    augment = build("light", geometry_only=True)
    image = np.arange(48, dtype=np.uint8).reshape(6, 8, 1)
    plane = image[..., 0]
    expected = {a.tobytes() for a in (plane, plane[::-1], plane[:, ::-1], plane[::-1, ::-1])}
    found = Counter(augment(image, plane, seed=seed)[1].tobytes() for seed in range(800))
    assert set(found) == expected
    # 200 each, standard deviation 12.2.
    assert all(abs(count - 200) < 61 for count in found.values())


def test_crop_cuts_image_and_mask_alike_and_everywhere() -> None:
    augment = Augmentation(transforms=[])
    image = np.arange(30, dtype=np.uint8).reshape(5, 6, 1)
    corners: Counter[int] = Counter()
    for seed in range(300):
        new_image, new_mask = augment(image, image[..., 0], seed=seed, crop=(4, 3))
        assert new_image.shape == (4, 3, 1)
        np.testing.assert_array_equal(new_image[..., 0], new_mask)
        corners[int(new_mask[0, 0])] += 1
    assert set(corners) == {0, 1, 2, 3, 6, 7, 8, 9}
