"""Barrel and pincushion distortion."""

import math
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation
from segkit.data.distortion import LensDistortion


def distort(amount: float) -> Augmentation:
    lens = LensDistortion(radius=0.4, amount=(amount, amount), centres=[(0.5, 0.5)], p=1.0)
    return Augmentation(transforms=[lens])


def disc(radius: int, size: int = 200) -> np.ndarray[Any, np.dtype[np.uint8]]:
    y, x = np.mgrid[:size, :size]
    return np.asarray((y - size / 2) ** 2 + (x - size / 2) ** 2 < radius**2, np.uint8)


@pytest.mark.parametrize("amount", [0.3, -0.3])
def test_a_disc_grows_in_a_barrel_and_shrinks_in_a_pincushion(amount: float) -> None:
    """The rim at distance d comes from d · sin(π d / 2R) ^ amount = 30, with R = 80."""
    mask = disc(30)
    image, drawn = distort(amount)(mask[..., None] * np.uint8(255), mask, seed=0)
    d = np.linspace(1, 79, 78_001)
    rim = d[np.argmin(abs(d * np.sin(math.pi * d / 160) ** amount - 30))]
    assert math.sqrt(drawn.sum() / math.pi) == pytest.approx(rim, abs=0.6)
    assert ((image[..., 0] > 127) == drawn).mean() > 0.99


def test_outside_the_circle_nothing_moves() -> None:
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (200, 200, 3), np.uint8), disc(150)
    drawn, moved = distort(0.3)(image, mask, seed=0)
    outside = disc(81) == 0
    np.testing.assert_array_equal(drawn[outside], image[outside])
    np.testing.assert_array_equal(moved[outside], mask[outside])
    assert (drawn != image).any()


def test_amounts_between_the_two_are_drawn() -> None:
    lens = LensDistortion(radius=0.4, amount=(-0.3, 0.3), centres=[(0.5, 0.5)], p=1.0)
    augment = Augmentation(transforms=[lens])
    mask = disc(30)
    grown = [float(augment(mask[..., None], mask, seed=s)[1].sum() / mask.sum()) for s in range(60)]
    assert min(grown) < 0.85
    assert max(grown) > 1.2
    assert any(0.97 < share < 1.03 for share in grown)


def test_every_centre_is_drawn() -> None:
    corners = [(0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.3, 0.7), (0.7, 0.7)]
    lens = LensDistortion(radius=0.1, amount=(-0.3, 0.3), centres=corners, p=1.0)
    augment = Augmentation(transforms=[lens])
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 1), np.uint8)
    moved = set()
    for seed in range(60):
        drawn, _ = augment(image, image[..., 0], seed=seed)
        rows, columns = np.nonzero((drawn != image).any(axis=2))
        moved.add((round(columns.mean() / 100, 1), round(rows.mean() / 100, 1)))
    assert moved == set(corners)


@pytest.mark.parametrize(
    ("radius", "amount", "centres"),
    [(0, (0, 1), [(0.5, 0.5)]), (0.3, (-1, 0), [(0.5, 0.5)]), (0.3, (0, 1), [])],
)
def test_what_cannot_be_is_refused(
    radius: float, amount: tuple[float, float], centres: list[tuple[float, float]]
) -> None:
    with pytest.raises(SegkitError, match="no such distortion"):
        LensDistortion(radius=radius, amount=amount, centres=centres)
