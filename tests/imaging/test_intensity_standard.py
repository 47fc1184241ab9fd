"""A window by mean and deviation: a closed form, bright pixels that do not count, bands, air."""

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.imaging.intensity import Window, watch, window_of


def brain(shape: tuple[int, int] = (128, 128), channels: int = 2) -> NDArray[np.uint16]:
    """Air around a bright half, uint16."""
    image = np.random.default_rng(0).normal(1000, 50, (*shape, channels))
    image[: shape[0] // 2] = 0
    image[..., 1:] *= 3
    return np.asarray(image.round().clip(0), np.uint16)


def test_mean_and_deviation_of_what_is_not_air() -> None:
    image = brain()
    found = window_of(image, "standard", "a")
    for channel, (low, high) in enumerate(zip(found.low, found.high, strict=True)):
        values = image[64:, :, channel].astype(float)
        values = values.clip(*np.percentile(values, (1, 99)))
        assert low == pytest.approx(values.mean() - 90 / 38 * values.std())
        assert high == pytest.approx(values.mean() + 165 / 38 * values.std())


def test_bright_fat_does_not_darken_the_rest() -> None:
    image, fat = brain(channels=1), brain(channels=1)
    fat[70:75, 10:20] = 9000  # 0.6 % of what is not air
    plain, odd = (window_of(each, "standard", "a").high[0] for each in (image, fat))
    assert odd < 1.6 * plain
    ends = [window_of(each, "group", "a").high[0] for each in (image, fat)]
    assert ends[1] > 6 * ends[0]  # which is what it is for


@pytest.mark.parametrize("height", [1, 3, 50, 700])
def test_bands_are_the_whole(height: int) -> None:
    image = brain((700, 600))
    bands = [image[top : top + height] for top in range(0, len(image), height)]
    seen = watch("standard")
    seen.add_bands(bands)
    assert seen.window("standard") == window_of(image, "standard", "a")


def test_images_of_a_group_count_together() -> None:
    one, other = brain(), brain() // 2
    seen = watch("standard")
    seen.add(one)
    seen.add(other)
    together = window_of(np.concatenate([one, other]), "standard", "a")
    assert seen.window("standard") == together


def test_one_value_alone_keeps_its_ends() -> None:
    image = np.zeros((20, 20), np.uint8)
    image[5:] = 200
    assert window_of(image, "standard", "a") == Window((0.0,), (200.0,))
    assert window_of(np.full((9, 9), 7, np.uint8), "standard", "a") == Window((7.0,), (7.0,))
