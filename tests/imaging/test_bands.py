"""A TIFF read by rows gives what it gives when it is decoded whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from segkit.core.errors import SegkitError
from segkit.imaging.bands import ArrayRows, as_rows, open_rows
from segkit.imaging.pixels import decode, to_uint8
from segkit.imaging.tiff_bands import TiffRows

PLAIN: dict[str, Any] = {}
WAYS = {
    "one strip": PLAIN,
    "strips": {"rowsperstrip": 7},
    "packed strips": {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
    "one packed strip": {"rowsperstrip": 90, "compression": "lzw"},
    "tiles": {"tile": (16, 32)},
    "packed tiles": {"tile": (32, 16), "compression": "zlib"},
}


def image(kind: str, channels: int) -> np.ndarray[Any, Any]:
    shape = (90, 53, channels) if channels > 1 else (90, 53)
    info = np.iinfo(kind)
    values = np.random.default_rng(5).normal(0.4, 0.1, shape) * (info.max - info.min) + info.min
    return np.clip(values, info.min, info.max).astype(kind)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_by_rows_and_whole_agree(
    tmp_path: Path, way: str, kind: str, channels: int, order: Any
) -> None:
    path = tmp_path / "a.tif"
    colour = "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(path, image(kind, channels), photometric=colour, byteorder=order, **WAYS[way])
    lazy = open_rows(path, 100)
    assert isinstance(lazy, TiffRows)
    whole = to_uint8(decode(path.read_bytes(), "a.tif"), "a.tif")
    assert lazy.size == whole.shape[:2]
    for top, bottom in ((0, 20), (20, 21), (13, 77), (77, 90), (0, 90)):
        assert np.array_equal(lazy.rows(top, bottom), whole[top:bottom])


def test_alpha_does_not_set_the_window(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pixels = image("uint16", 4)
    pixels[..., 3] = 65535
    tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=["unassalpha"])
    whole = to_uint8(decode(path.read_bytes(), "a.tif"), "a.tif")
    assert np.array_equal(open_rows(path, 100).rows(0, 90), whole)


@pytest.mark.parametrize("value", [0, 700])
def test_a_constant_image_is_black(tmp_path: Path, value: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.full((20, 20), value, np.uint16))
    assert not open_rows(path, 100).rows(0, 20).any()


def test_a_palette_becomes_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    colours = np.random.default_rng(1).integers(0, 65536, (3, 256)).astype(np.uint16)
    tifffile.imwrite(path, image("uint8", 1), photometric="palette", colormap=colours)
    lazy = open_rows(path, 100)
    assert isinstance(lazy, TiffRows)
    assert np.array_equal(lazy.rows(3, 9), decode(path.read_bytes(), "a.tif")[3:9])


def test_small_and_unusual_files_are_decoded_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("uint8", 1))
    assert isinstance(open_rows(path, 90 * 53), ArrayRows)
    tifffile.imwrite(path, image("uint8", 1).astype(np.float32))
    assert isinstance(open_rows(path, 100), ArrayRows)
    tifffile.imwrite(
        path, np.moveaxis(image("uint8", 3), 2, 0), planarconfig="separate", photometric="rgb"
    )
    assert open_rows(path, 100).rows(0, 90).shape == (90, 53, 3)


@pytest.mark.parametrize("way", ["one strip", "packed strips", "tiles"])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, way: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("uint8", 1), **WAYS[way])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SegkitError):
        open_rows(path, 100)


def test_a_damaged_strip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("uint8", 1), rowsperstrip=30, compression="zlib")
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].dataoffsets[1]
    data = bytearray(path.read_bytes())
    data[offset : offset + 40] = b"\xff" * 40
    path.write_bytes(data)
    lazy = open_rows(path, 100)
    lazy.rows(0, 30)
    with pytest.raises(SegkitError) as caught:
        lazy.rows(30, 60)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 3), (0, 5), (4, 4, 0)])
def test_what_is_not_an_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SegkitError):
        as_rows(np.zeros(shape, np.uint8))


def test_a_single_strip_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("uint8", 1), **WAYS["one packed strip"])
    lazy = open_rows(path, 100)
    assert np.shares_memory(lazy.rows(0, 20), lazy.rows(10, 90))
