"""GIF: as Pillow shows it, and its indices as a mask."""

import io

import numpy as np
import pytest
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.core.limits import limited_to
from segkit.imaging.pixels import decode, decode_picture

RNG = np.random.default_rng(0)
INDICES = RNG.integers(0, 3, (20, 24)).astype(np.uint8)
COLOURS = [0, 0, 0, 200, 30, 60, 9, 250, 70]


def gif(picture: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "GIF", optimize=False, **options)
    return stream.getvalue()


def palette(indices: np.ndarray = INDICES) -> Image.Image:
    picture = Image.fromarray(indices, "P")
    picture.putpalette(COLOURS)
    return picture


def test_colours_and_indices() -> None:
    data = gif(palette())
    shown = np.array(COLOURS, np.uint8).reshape(3, 3)[INDICES]
    np.testing.assert_array_equal(decode(data, "a.gif"), shown)
    np.testing.assert_array_equal(decode(data, "a.gif", indexed=True), INDICES)


@pytest.mark.parametrize("indexed", [False, True])
def test_a_black_and_white_one_has_0_and_255(indexed: bool) -> None:
    """As the manual segmentations of DRIVE."""
    mask = (INDICES > 1).astype(np.uint8) * 255
    pixels = decode(gif(Image.fromarray(mask)), "a.gif", indexed=indexed)
    np.testing.assert_array_equal(pixels, mask)


def test_a_transparent_colour_is_alpha() -> None:
    picture = decode_picture(gif(palette(), transparency=1), "a.gif")
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, np.where(INDICES == 1, 0, 255))


def test_of_an_animation_the_first_frame() -> None:
    data = gif(palette(), save_all=True, append_images=[palette(INDICES[::-1])])
    np.testing.assert_array_equal(decode(data, "a.gif", indexed=True), INDICES)


def test_a_size_beyond_the_limit_is_refused() -> None:
    data = bytearray(gif(palette()))
    data[6:10] = b"\xff\xff\xff\xff"
    with limited_to(4), pytest.raises(SegkitError, match="max_megapixels"):
        decode(bytes(data), "a.gif")
