"""Depth, channels and size of images that have been decoded."""

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.imaging.channels import to_channels
from segkit.imaging.pixels import network_input, resize_image, resize_mask, to_uint8
from tests.imaging.pictures import FLOAT, GREY, noise


def test_uint8_passes_and_bool_becomes_255() -> None:
    np.testing.assert_array_equal(to_uint8(GREY, "a"), GREY)
    np.testing.assert_array_equal(to_uint8(np.array([[True, False]]), "a"), [[255, 0]])


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
def test_depth_scales_between_the_percentiles(dtype: type[np.generic]) -> None:
    # 0…1000 in steps of 1: the 0.2 and 99.8 percentiles are 2 and 998 exactly.
    ramp = np.arange(1001).astype(dtype).reshape(7, 143)
    expected = np.rint(np.clip((np.arange(1001) - 2) * 255 / 996, 0, 255)).reshape(7, 143)
    np.testing.assert_allclose(to_uint8(ramp, "a"), expected, atol=1)
    assert to_uint8(ramp, "a").dtype == np.uint8
    assert to_uint8(ramp, "a").min() == 0
    assert to_uint8(ramp, "a").max() == 255


def test_a_large_offset_keeps_its_contrast() -> None:
    ramp = np.arange(1001, dtype=np.int32).reshape(7, 143)
    np.testing.assert_array_equal(to_uint8(ramp + 10**9, "a"), to_uint8(ramp, "a"))


def test_a_few_bright_pixels_still_show_and_a_flat_image_is_black() -> None:
    sparse = np.zeros((100, 100), np.uint16)
    sparse[0, :5] = 4000  # fewer than two per mille: both percentiles are 0
    assert to_uint8(sparse, "a").max() == 255
    assert to_uint8(np.full((4, 4), 777, np.uint16), "a").max() == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_counted(bad: float) -> None:
    image = FLOAT.copy()
    image[0, :3] = bad
    with pytest.raises(SegkitError, match="3 pixels are NaN or infinite") as caught:
        to_uint8(image, "dose.tif")
    assert caught.value.where == "dose.tif"


@pytest.mark.parametrize("size", [(5, 4), (20, 31), (7, 9), (3, 40)])
def test_a_resized_mask_has_no_new_values(size: tuple[int, int]) -> None:
    mask = np.random.default_rng(1).choice(np.array([0, 3, 200], np.uint8), (7, 9))
    resized = resize_mask(mask, size)
    assert resized.shape == size
    assert set(np.unique(resized)) <= {0, 3, 200}


def test_a_mask_doubled_and_halved_is_the_mask() -> None:
    mask = noise((6, 8))
    doubled = resize_mask(mask, (12, 16))
    np.testing.assert_array_equal(doubled, np.kron(mask, np.ones((2, 2), np.uint8)))
    np.testing.assert_array_equal(resize_mask(doubled, (6, 8)), mask)


@pytest.mark.parametrize("size", [(5, 4), (20, 31), (1, 9), (3, 40), (54, 19)])
def test_labels_of_32_bits_go_where_classes_go(size: tuple[int, int]) -> None:
    """To the pixel: the foreground of resized labels is the resized foreground."""
    rng = np.random.default_rng(2)
    kept = np.array([0, 1, 255, 256, 65_535, 65_536, 2**24 + 1, 2**31 - 1], np.int32)
    which = rng.integers(0, 8, (36, 48)).astype(np.uint8)
    resized = resize_mask(kept[which], size)
    assert resized.dtype == np.int32
    np.testing.assert_array_equal(resized, kept[resize_mask(which, size)])
    np.testing.assert_array_equal(
        resize_mask(kept[which].T, size), kept[resize_mask(which.T, size)]
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_halved_image_is_the_mean_of_its_blocks(channels: int) -> None:
    image = noise((6, 8, channels))
    blocks = image.reshape(3, 2, 4, 2, channels).mean(axis=(1, 3))
    np.testing.assert_allclose(resize_image(image, (3, 4)), blocks, atol=0.51)
    assert resize_image(image, (12, 5)).shape == (12, 5, channels)


def test_intensities_that_span_more_than_a_float() -> None:
    wide = np.array([[-1.5e308, 1.5e308]] * 9)
    with pytest.raises(SegkitError, match="cannot be scaled"):
        to_uint8(wide, "a.tif")
    np.testing.assert_array_equal(
        to_uint8(wide.clip(-3e38, 3e38).astype(np.float32), "a")[0], [0, 255]
    )


@pytest.mark.parametrize("shape", [(6, 10), (6, 10, 1), (6, 10, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_as_the_network_takes_it(shape: tuple[int, ...], channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    own = network_input(image, channels, None)
    assert own.shape == (6, 10, channels)
    assert own.dtype == np.uint8
    assert np.array_equal(own, to_channels(image, channels))
    for size in ((6, 10), (3, 5), (12, 8)):
        found = network_input(image, channels, size)
        assert found.shape == (*size, channels)
        assert found.dtype == np.uint8
        assert np.array_equal(found, resize_image(own, size))
