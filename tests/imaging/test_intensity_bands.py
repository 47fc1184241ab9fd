"""By every rule of intensities a TIFF read by rows gives what it gives when decoded whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from segkit.core.intensity import RULES
from segkit.imaging.bands import open_rows
from segkit.imaging.intensity import Window
from segkit.imaging.pixels import decode, to_uint8
from segkit.imaging.tiff_bands import TiffRows

RULE = [*RULES, (30.0, 90.0), Window((10.0,), (200.0,))]


def image(kind: str, channels: int) -> np.ndarray[Any, Any]:
    shape = (1100, 23, channels) if channels > 1 else (1100, 23)
    rng, info = np.random.default_rng(4), np.iinfo(kind)
    values = rng.normal(60, 20, shape) * (info.max // 255)
    values[511:514, 3:6] += 3000 if kind != "uint8" else 80  # where two bands meet
    return np.clip(values, info.min, info.max).astype(kind)


@pytest.mark.parametrize("rule", RULE, ids=str)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_by_rows_and_whole_agree(tmp_path: Path, rule: Any, kind: str, channels: int) -> None:
    path, colour = tmp_path / "a.tif", "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(path, image(kind, channels), photometric=colour, rowsperstrip=37)
    lazy = open_rows(path, 100, rule)
    assert isinstance(lazy, TiffRows)
    assert lazy.depth == kind
    whole = to_uint8(decode(path.read_bytes(), "a"), "a", rule)
    for top, bottom in ((0, 20), (500, 530), (0, 1100)):
        np.testing.assert_array_equal(lazy.rows(top, bottom), whole[top:bottom])
    np.testing.assert_array_equal(lazy.stored(500, 530), image(kind, channels)[500:530])


@pytest.mark.parametrize("rule", ["image", "channel"])
def test_colours_of_a_palette_and_levels_of_a_pyramid(tmp_path: Path, rule: str) -> None:
    path = tmp_path / "a.tif"
    colours = np.random.default_rng(1).integers(5000, 40000, (3, 256)).astype(np.uint16)
    pixels = np.random.default_rng(2).integers(0, 256, (64, 48)).astype(np.uint8)
    with tifffile.TiffWriter(path) as writer:
        more: Any = {"photometric": "palette", "colormap": colours}
        writer.write(pixels, subifds=1, **more)
        writer.write(pixels[::2, ::2], subfiletype=1, **more)
    lazy = open_rows(path, 100, rule)
    assert isinstance(lazy, TiffRows)
    stored = decode(path.read_bytes(), "a")
    whole = to_uint8(stored, "a", rule)
    np.testing.assert_array_equal(lazy.rows(3, 40), whole[3:40])
    np.testing.assert_array_equal(lazy.stored(3, 40), stored[3:40])
    assert len(lazy.levels) == 1
    for level in lazy.levels:  # by the window of the whole image
        np.testing.assert_array_equal(level.rows(0, 32), whole[::2, ::2])
