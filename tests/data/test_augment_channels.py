"""Every augmentation that is offered takes any number of channels, and treats them alike.

All but ``robust_stains``, which tints.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf" / "augment"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))
TINTS = "robust_stains"


@cache
def augmentation(name: str) -> Any:
    return instantiate(OmegaConf.load(CONF / f"{name}.yaml"), _convert_="all")


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_channels(name: str, channels: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (32, 32, channels)).astype(np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[8:20, 6:18] = 1
    changed = 0
    for seed in range(12):  # so that each of several transforms is drawn
        drawn, moved = augmentation(name)(image, mask, seed=seed)
        assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
        assert moved.shape == mask.shape
        assert {*np.unique(moved)} <= {0, 1}
        changed += not np.array_equal(drawn, image)
    assert changed > 0 or name == "none"


@pytest.mark.parametrize("channels", [2, 5, 9])
@pytest.mark.parametrize("name", [name for name in NAMES if name != TINTS])
def test_all_channels_move_together(name: str, channels: int) -> None:
    """Equal channels stay equal: none is left behind, or drawn anew."""
    plane = np.random.default_rng(1).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    image, mask = np.repeat(plane, channels, axis=2), np.zeros((32, 32), np.uint8)
    for seed in range(8):
        drawn, _ = augmentation(name)(image, mask, seed=seed)
        np.testing.assert_array_equal(drawn, np.repeat(drawn[..., :1], channels, axis=2))


def test_other_stains_are_tinted_and_inverted() -> None:
    """A bright square on dark, grey: some draws colour it, some swap light and dark."""
    image, mask = np.full((64, 64, 3), 40, np.uint8), np.zeros((64, 64), np.uint8)
    image[20:44, 20:44], mask[20:44, 20:44] = 160, 1
    tinted = inverted = 0
    for seed in range(40):
        drawn, moved = augmentation(TINTS)(image, mask, seed=seed)
        means = drawn[moved == 1].mean(axis=0), drawn[moved == 0].mean(axis=0)
        tinted += bool(np.ptp(means[0]) > 5)
        inverted += bool(means[0].mean() < means[1].mean())
    assert 10 < tinted < 30, "half of the draws"
    assert 5 < inverted < 20, "three of ten draws"


def test_other_stains_are_robust_and_two_more() -> None:
    robust, stains = (OmegaConf.load(CONF / f"{name}.yaml") for name in ("robust", TINTS))
    assert stains.transforms[:-2] == robust.transforms
