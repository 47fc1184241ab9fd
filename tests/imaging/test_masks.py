"""Stored mask values to classes: maps, colours, thresholds, and the rule without settings."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.imaging.masks import above, as_shown, automatic_classes, map_values, zero_is_light
from segkit.imaging.pixels import decode


def test_values_are_mapped() -> None:
    stored = np.array([[0, 128], [255, 0]], np.uint8)
    np.testing.assert_array_equal(map_values(stored, {0: 0, 128: 2, 255: 1}, "a"), [[0, 2], [1, 0]])
    np.testing.assert_array_equal(
        map_values(stored, {"0": 0, "128": 2, "255": 1}, "a"), [[0, 2], [1, 0]]
    )
    deep = np.array([[0, 40000]], np.uint16)
    np.testing.assert_array_equal(map_values(deep, {0: 0, 40000: 3}, "a"), [[0, 3]])
    bits = np.array([[False, True]])
    np.testing.assert_array_equal(map_values(bits, {0: 1, 1: 0}, "a"), [[1, 0]])
    floats = np.array([[0.0, 2.0]], np.float32)
    assert map_values(floats, {0: 0, 2: 1}, "a").dtype == np.uint8
    np.testing.assert_array_equal(map_values(floats, {0: 0, 2: 1}, "a"), [[0, 1]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_an_unknown_value_names_the_file_and_the_setting(dtype: type[np.generic]) -> None:
    with pytest.raises(SegkitError, match=r"mask values \[7\] are not in the map") as caught:
        map_values(np.array([[0, 7]]).astype(dtype), {0: 0, 255: 1}, "masks/a.png")
    assert caught.value.where == "masks/a.png"


@pytest.mark.parametrize("bad", [0.5, np.nan, np.inf])
def test_fractions_are_no_classes(bad: float) -> None:
    with pytest.raises(SegkitError, match="not whole numbers"):
        map_values(np.array([[0.0, bad]]), {0: 0, 1: 1}, "a.tif")


@pytest.mark.parametrize("red", ["#ff0000", "#FF0000", "0xff0000"])
def test_coloured_masks(red: str) -> None:
    rgb = np.zeros((1, 3, 3), np.uint8)
    rgb[0, 1] = (255, 0, 0)
    rgb[0, 2] = (255, 255, 255)
    classes = map_values(rgb, {0: 0, red: 1, 255: 2}, "a.png")
    np.testing.assert_array_equal(classes, [[0, 1, 2]])
    grey = np.array([[0, 255]], np.uint8)
    np.testing.assert_array_equal(map_values(grey, {"#000000": 0, "#ffffff": 1}, "a"), [[0, 1]])
    np.testing.assert_array_equal(map_values(grey > 0, {"#000000": 0, "#ffffff": 1}, "a"), [[0, 1]])


def test_an_unknown_colour_is_shown_as_one() -> None:
    rgb = np.full((1, 1, 3), (0, 16, 255), np.uint8)
    with pytest.raises(SegkitError, match="#0010ff"):
        map_values(rgb, {"#000000": 0}, "a.png")


def test_colours_need_a_map_of_colours() -> None:
    rgb = np.zeros((1, 2, 3), np.uint8)
    rgb[0, 1, 0] = 255
    with pytest.raises(SegkitError, match="a mask holds colours"):
        map_values(rgb, {0: 0, 255: 1}, "a.png")
    rgb[0, 1] = 255
    np.testing.assert_array_equal(map_values(rgb, {0: 0, 255: 1}, "a.png"), [[0, 1]])


@pytest.mark.parametrize("key", ["red", "#xyz", "1.5"])
def test_a_key_that_is_no_value(key: str) -> None:
    with pytest.raises(SegkitError, match="is not a stored mask value"):
        map_values(np.zeros((1, 1), np.uint8), {key: 0}, "a.png")


def test_above() -> None:
    stored = np.array([[0, 127, 128, 255]], np.uint8)
    np.testing.assert_array_equal(above(stored, 127), [[False, False, True, True]])
    np.testing.assert_array_equal(above(stored > 127, 127), above(stored, 127))
    rgb = np.zeros((1, 4, 3), np.uint8)
    rgb[..., 1] = stored
    np.testing.assert_array_equal(above(rgb, 127), above(stored, 127))
    np.testing.assert_array_equal(above(np.array([[0.2, 0.7]]), 0.5), [[False, True]])


@pytest.mark.parametrize("values", [[0, 1], [0, 255], [0], [1], [255]])
def test_two_classes_without_doubt(values: list[int]) -> None:
    stored = np.array([values], np.uint8)
    classes = automatic_classes(stored, "a.png", 2, inverted=False)
    np.testing.assert_array_equal(classes, [[int(value > 0) for value in values]])


@pytest.mark.parametrize(
    ("values", "name"), [([0, 128], "a.png"), ([0, 1, 255], "a.png"), ([0, 3, 250], "a.jpg")]
)
def test_doubt_names_the_file_and_the_values(values: list[int], name: str) -> None:
    with pytest.raises(SegkitError, match="0 and 1, or 0 and 255") as caught:
        automatic_classes(np.array([values], np.uint8), name, 2, inverted=False)
    assert caught.value.where == name


def test_a_tinted_jpeg_is_as_bright_as_its_brightest_channel() -> None:
    tinted = np.zeros((1, 2, 3), np.uint8)
    tinted[0, 1] = (250, 255, 249)
    tinted[0, 0] = (3, 0, 1)
    with pytest.raises(SegkitError, match="the values 3, 255"):
        automatic_classes(tinted, "a.JPG", 2, inverted=False)


def test_more_classes_are_stored_as_they_are() -> None:
    stored = np.array([[0, 1, 2]], np.uint8)
    np.testing.assert_array_equal(automatic_classes(stored, "a", 3, inverted=False), stored)
    with pytest.raises(SegkitError, match=r"\[3\] are not in the map"):
        automatic_classes(stored + 1, "a", 3, inverted=False)


def _palette(*colours: int) -> bytes:
    picture = Image.frombytes("P", (2, 1), b"\0\1")
    picture.putpalette(list(colours))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def test_a_palette_that_begins_with_white_leaves_doubt() -> None:
    assert not zero_is_light(_palette(0, 0, 0, 128, 0, 0))
    data = _palette(255, 255, 255, 0, 0, 0)
    assert zero_is_light(data)
    pixels = decode(data, "a.png", indexed=True)
    with pytest.raises(SegkitError, match="0 for white"):
        automatic_classes(pixels, "a.png", 2, inverted=True)


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
def test_the_photometric_tag_of_a_tiff(photometric: str) -> None:
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((4, 4), np.uint8), photometric=photometric)
    assert zero_is_light(stream.getvalue()) == (photometric == "miniswhite")


def test_a_mask_is_what_it_stores_but_for_a_palette() -> None:
    stored = np.array([[0, 1, 3], [2, 0, 1]], np.uint8)
    stream = io.BytesIO()
    tifffile.imwrite(stream, stored, photometric="miniswhite", bitspersample=4)
    white = stream.getvalue()
    np.testing.assert_array_equal(decode(white, "a.tif"), 255 - 17 * stored)
    for read in (as_shown(white, "a.tif"), decode(white, "a.tif", indexed=True)):
        np.testing.assert_array_equal(read, stored)
    assert zero_is_light(white)
    table = np.zeros((3, 256), np.uint16)
    table[1, :4] = np.arange(4) * 20000
    stream = io.BytesIO()
    tifffile.imwrite(stream, stored, photometric="palette", colormap=table)
    colours = as_shown(stream.getvalue(), "a.tif")
    np.testing.assert_array_equal(colours[..., 1], (stored * 20000.0) // 256)
