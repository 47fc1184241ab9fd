"""What stored values become: the same picture in every depth, dust, few bright pixels, windows."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.intensity import RULES, intensity_of
from segkit.imaging.intensity import Extremes, Window, window_of
from segkit.imaging.pixels import to_uint8

Pixels = NDArray[Any]
LOOKING = ("image", "channel", "group", "standard")


def noise(shape: tuple[int, ...], low: int = 20, high: int = 180) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(low, high, shape).astype(np.uint8)


def stored_as(pixels: NDArray[np.uint8]) -> dict[str, Pixels]:
    """One picture of 8 bits in other depths, as programs convert it."""
    wide = pixels.astype(np.int64)
    return {
        "uint16": (wide * 257).astype(np.uint16),
        "uint16, cast": wide.astype(np.uint16),
        "12 bits": (wide * 16).astype(np.uint16),
        "int16": (wide * 100 - 12000).astype(np.int16),
        "int32": (wide * 7 + 10**9).astype(np.int32),
        "int8": (wide // 2 * 2 - 128).astype(np.int8),
        "float16": (wide / 255).astype(np.float16),
        "float32": (wide / 255).astype(np.float32),
        "float64": wide / 255 - 0.5,
    }


@pytest.mark.parametrize("rule", LOOKING)
@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 1), (40, 50, 3), (40, 50, 5), (7, 1), (1, 9)])
@pytest.mark.parametrize("filled", [True, False])
def test_one_picture_in_every_depth_is_the_same(
    rule: str, shape: tuple[int, ...], filled: bool
) -> None:
    eight = noise(shape, 0, 256) if filled else noise(shape)
    expected = to_uint8(eight, "a", rule).astype(int)
    for depth, pixels in stored_as(eight).items():
        found = to_uint8(pixels, "a", rule)
        assert found.dtype == np.uint8
        # The 8 bits of a signed byte are two grey levels apart here.
        off = 1 if depth != "int8" else 4
        assert np.abs(found.astype(int) - expected).max() <= off, depth


def test_eight_bits_that_fill_their_range_are_passed_through() -> None:
    image = np.zeros((30, 30, 3), np.uint8)
    image[:10], image[10:20] = 255, noise((10, 30, 3))
    np.testing.assert_array_equal(to_uint8(image, "a", "image"), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("share", [0.0001, 0.001, 0.01])
def test_few_bright_pixels_stand_out_and_dust_does_not_set_the_window(
    dtype: Any, share: float
) -> None:
    # 300 × 300 pixels: squares of 3 × 3 pixels, 9 of 90,000 are 0.01 %.
    rng, top = np.random.default_rng(0), 200
    image = rng.normal(8, 1, (300, 300)).round()
    bright = np.zeros(image.shape, bool)
    for number in range(round(share * 10_000)):
        row, column = divmod(number, 20)
        bright[10 + 10 * row : 13 + 10 * row, 10 + 12 * column : 13 + 12 * column] = True
    assert bright.mean() == pytest.approx(share)
    image[bright] = top
    image[[0, 0, 299, 150], [0, 299, 7, 299]] = 255  # hot: at corners and edges, too
    image[295, 295], image[5, 5] = 255, 0
    found = to_uint8(image.astype(dtype), "a", "image")
    assert found[bright].min() >= 250
    ground = found[~bright]
    assert np.percentile(ground, 99.9) < 20
    # Before, noise filled the whole range where objects were fewer than two per mille.
    if share < 0.002 and dtype != np.uint8:
        assert np.percentile(to_uint8(image.astype(dtype), "a")[~bright], 99) > 150


def test_nothing_but_dust_is_seen_all_the_same() -> None:
    image = np.full((20, 20), 500, np.uint16)
    image[4, 4] = image[9, 9] = 9000
    assert to_uint8(image, "a", "image").max() == 255
    assert not to_uint8(np.full((20, 20), 500, np.uint16), "a", "image").any()
    assert not to_uint8(np.full((20, 20), 200, np.uint8), "a", "image").any()


def test_bits_are_black_and_white_by_every_rule() -> None:
    bits = noise((20, 20), 0, 2).astype(bool)
    for rule in RULES:
        np.testing.assert_array_equal(to_uint8(bits, "a", rule), np.where(bits, 255, 0))


def test_channels_have_a_window_each_or_one_together() -> None:
    image = np.dstack([noise((30, 30)), noise((30, 30)).astype(np.uint16) * 100])
    together = to_uint8(image, "a", "image")
    assert together[..., 0].max() <= 3
    assert together[..., 1].max() == 255
    apart = to_uint8(image, "a", "channel")
    np.testing.assert_array_equal(apart[..., 0], apart[..., 1])


def test_fixed_windows_are_of_stored_values() -> None:
    ct = np.array([[-1000, -160, 40, 240, 3000]], np.int16)
    np.testing.assert_array_equal(to_uint8(ct, "a", (-160.0, 240.0)), [[0, 0, 128, 255, 255]])
    eight = np.array([[0, 50, 100, 150]], np.uint8)
    np.testing.assert_array_equal(to_uint8(eight, "a", (50.0, 100.0)), [[0, 0, 255, 255]])
    two = np.dstack([ct, ct])
    each = to_uint8(two, "a", Window((-160.0, -1000.0), (240.0, -1000.0)))
    np.testing.assert_array_equal(each[..., 0], [[0, 0, 128, 255, 255]])
    assert not each[..., 1].any()  # a channel in which everything is the same


@pytest.mark.parametrize("rule", [*RULES, (0.0, 1.0)])
def test_what_is_not_finite_is_refused_by_every_rule(rule: Any) -> None:
    image = np.ones((5, 5))
    image[2, 2] = np.nan
    with pytest.raises(SegkitError, match="1 pixels are NaN"):
        to_uint8(image, "a", rule)


@pytest.mark.parametrize("rule", LOOKING)
def test_intensities_that_span_more_than_a_float_are_refused(rule: str) -> None:
    with pytest.raises(SegkitError, match="cannot be scaled"):
        to_uint8(np.array([[-1.5e308, 1.5e308]] * 9), "a", rule)


@pytest.mark.parametrize("heights", [[40], [1] * 40, [39, 1], [1, 39], [2, 1, 20, 17]])
def test_the_window_does_not_depend_on_bands(heights: list[int]) -> None:
    image = np.random.default_rng(8).integers(0, 60000, (40, 9, 2)).astype(np.uint16)
    ends = np.cumsum([0, *heights])
    seen = Extremes()
    seen.add_bands(image[a:b] for a, b in pairwise(ends))
    assert seen.window("channel") == window_of(image, "channel", "a")


def test_medians_are_over_nine_pixels() -> None:
    # Of a plane whose ranks are known: the lowest median is the fifth of nine.
    image = np.full((9, 9), 100, np.uint16)
    image[3:6, 3:6] = np.arange(9).reshape(3, 3) * 10
    assert window_of(image, "image", "a").low[0] == 40


@pytest.mark.parametrize(
    ("stored", "found"),
    [({}, "stored"), ({"intensity": "group"}, "group"), ({"intensity": [1, 2]}, (1.0, 2.0))],
)
def test_the_rule_in_a_configuration(stored: dict[str, Any], found: Any) -> None:
    assert intensity_of(stored) == found
