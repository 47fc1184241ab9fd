"""What an image stores, before it is brought to 0…255."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.data.zip_source import ZipSource
from segkit.imaging.bands import as_rows, open_rows
from segkit.inference.names import members


@pytest.mark.parametrize("large", [0, 10**6])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "float32"])
def test_values_are_those_of_the_file(tmp_path: Path, kind: str, large: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 120, (40, 30)).astype(kind) * 2 - 7
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib", rowsperstrip=7)
    rows = open_rows(tmp_path / "a.tif", large)
    np.testing.assert_array_equal(rows.stored(5, 23), pixels[5:23])
    np.testing.assert_array_equal(rows.stored(0, 40), pixels)


@pytest.mark.parametrize("large", [0, 10**6])
def test_alpha_is_left_out_and_a_palette_gives_its_colours(tmp_path: Path, large: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (20, 30, 4), np.uint16)
    how: Any = {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "a.tif", pixels, **how)
    found = open_rows(tmp_path / "a.tif", large).stored(3, 9)
    np.testing.assert_array_equal(found, pixels[3:9, :, :3])
    colours = np.arange(3 * 256, dtype=np.uint16).reshape(3, 256) % 251 << 8
    indices = np.arange(200, dtype=np.uint8).reshape(10, 20)
    tifffile.imwrite(tmp_path / "b.tif", indices, photometric="palette", colormap=colours)
    found = open_rows(tmp_path / "b.tif", large).stored(2, 5)
    np.testing.assert_array_equal(found, (colours.T >> 8)[indices[2:5]])


def test_of_an_array_and_of_a_member(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4096, (20, 30), np.uint16)
    np.testing.assert_array_equal(as_rows(pixels).stored(2, 7), pixels[2:7])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "images/a.png")
    (one,), _ = members(ZipSource(tmp_path / "a.zip"), anywhere=False)
    np.testing.assert_array_equal(one.open(10**6).stored(2, 7), pixels[2:7])
    assert one.pixel_size() is None


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.ones((4, 5), np.uint16)).save(path)
    rows, gone = open_rows(path, 100), open_rows(path, 100)
    Image.fromarray(np.ones((4, 6), np.uint16)).save(path)
    with pytest.raises(SegkitError, match="changed while it was in use"):
        rows.stored(0, 4)
    path.unlink()
    with pytest.raises(SegkitError, match="cannot be read"):
        gone.stored(0, 4)
