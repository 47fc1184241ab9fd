"""Images and answers resized by rows are as those that are resized whole."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

from segkit.imaging import scaled_bands
from segkit.imaging.bands import ArrayRows, open_rows
from segkit.imaging.pixels import resize_image
from segkit.imaging.scaled_bands import ScaledRows, between_rows, scaled
from segkit.imaging.tiff_bands import TiffRows
from segkit.tasks.outputs import outputs_at

SIZES = [
    (100, 128),
    (50, 64),
    (33, 43),
    (25, 32),
    (99, 127),
    (7, 9),
    (1, 1),
    (150, 192),
    (237, 303),
]


def image(rows: int = 100, columns: int = 128, channels: int = 3) -> NDArray[np.uint8]:
    shape = (rows, columns, channels)
    return np.random.default_rng(rows).integers(0, 256, shape, np.uint8)


def off_by(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> int:
    return int(np.abs(found.astype(int) - expected).max())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("pixels", [2**22, 300])
def test_by_rows_as_whole(
    size: tuple[int, int], channels: int, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaled_bands, "_PIXELS", pixels)
    whole = resize_image(image(channels=channels), size)
    rows = ScaledRows(ArrayRows(image(channels=channels)), size)
    assert off_by(rows.rows(0, size[0]), whole) <= 1
    middle = size[0] // 2
    parts = [rows.rows(0, middle + 1)[:middle], rows.rows(middle, size[0])]
    assert off_by(np.concatenate(parts), whole) <= 1


def test_a_small_image_in_memory_is_resized_whole() -> None:
    found = scaled(ArrayRows(image()), (50, 64))
    assert np.array_equal(found.rows(0, 50), resize_image(image(), (50, 64)))
    grey = ArrayRows(image()[..., 0])
    assert scaled(grey, (100, 128)) is grey


def pyramid(path: Path, pixels: NDArray[np.uint8], kind: str) -> None:
    with tifffile.TiffWriter(path) as tiff:
        for number, step in enumerate((1, 2, 4)):
            tiff.write(
                pixels if step == 1 else np.full_like(pixels[::step, ::step], 10 * step),
                tile=(32, 32),
                photometric="rgb",
                metadata=None,
                subifds=2 if kind == "subifds" and not number else 0,
                subfiletype=1 if number and kind != "plain pages" else 0,
            )


@pytest.mark.parametrize("kind", ["subifds", "reduced pages", "plain pages"])
def test_the_fitting_level_of_a_pyramid_is_read(tmp_path: Path, kind: str) -> None:
    """Each level is of one value of its own, by which it is known."""
    pyramid(tmp_path / "a.tif", image(), kind)
    whole = open_rows(tmp_path / "a.tif", 100)
    for size, value in {(50, 64): 20, (49, 63): 20, (25, 32): 40, (5, 6): 40}.items():
        assert np.array_equal(np.unique(scaled(whole, size).rows(0, size[0])), [value])
    for size in ((100, 128), (51, 65), (150, 192)):
        found = scaled(whole, size).rows(0, size[0])
        assert off_by(found, resize_image(image(), size)) <= 1


def test_what_shows_something_else_is_no_level(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(image(), subifds=2, tile=(32, 32), photometric="rgb", metadata=None)
        tiff.write(image(60, 60), subfiletype=1, photometric="rgb", metadata=None)
        tiff.write(image(50, 64)[..., 0], subfiletype=1, photometric="minisblack", metadata=None)
    whole = open_rows(tmp_path / "a.tif", 100)
    assert isinstance(whole, TiffRows)
    assert whole.level((50, 64)) is whole


def test_a_level_has_the_window_of_its_image(tmp_path: Path) -> None:
    """16 bits: what its own percentiles would make of it is another image."""
    deep = np.random.default_rng(0).integers(0, 65535, (100, 128), np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(deep, subifds=1, metadata=None)
        tiff.write(deep[::2, ::2] // 4, subfiletype=1, metadata=None)
    found = scaled(open_rows(tmp_path / "a.tif", 100), (50, 64)).rows(0, 50)
    assert 60 <= found.max() <= 64


def test_a_damaged_level_leaves_the_image(tmp_path: Path) -> None:
    pyramid(tmp_path / "a.tif", image(), "reduced pages")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        offset = tiff.pages[2].dataoffsets[0]
    data = (tmp_path / "a.tif").read_bytes()
    assert offset > len(data) // 2
    (tmp_path / "a.tif").write_bytes(data[: offset + 10])
    whole = open_rows(tmp_path / "a.tif", 100)
    assert isinstance(whole, TiffRows)
    assert np.array_equal(whole.rows(0, 100), image())


def answer(rows: int, columns: int) -> NDArray[np.float32]:
    return np.random.default_rng(rows).normal(size=(2, rows, columns)).astype(np.float32)


@pytest.mark.parametrize(
    ("rows", "length"),
    [(30, 240), (30, 100), (30, 31), (30, 30), (90, 30), (90, 7), (1, 50), (9, 1)],
)
@pytest.mark.parametrize("band", [1, 2, 7, 1000])
@pytest.mark.parametrize("pixels", [2**22, 100])
def test_an_answer_is_resized_by_rows_as_whole(
    rows: int, length: int, band: int, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaled_bands, "_PIXELS", pixels)
    whole = answer(rows, 20)

    def bands() -> Iterator[tuple[int, NDArray[np.float32]]]:
        for top in range(0, rows, band):
            yield top, whole[:, top : top + band]

    place, parts = 0, []
    for top, part in between_rows(bands(), rows, length):
        assert top == place
        place += part.shape[1]
        parts.append(part)
    expected = outputs_at(torch.from_numpy(whole), (length, 20)).numpy()
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-5)
