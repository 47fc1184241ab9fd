"""Every augmentation that is offered takes any number of channels, and treats them alike."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf" / "augment"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))


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
@pytest.mark.parametrize("name", NAMES)
def test_all_channels_move_together(name: str, channels: int) -> None:
    """Equal channels stay equal: none is left behind, or drawn anew."""
    plane = np.random.default_rng(1).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    image, mask = np.repeat(plane, channels, axis=2), np.zeros((32, 32), np.uint8)
    for seed in range(8):
        drawn, _ = augmentation(name)(image, mask, seed=seed)
        np.testing.assert_array_equal(drawn, np.repeat(drawn[..., :1], channels, axis=2))
