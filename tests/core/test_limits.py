"""The bound on images: set, kept to, and named in the error with its key."""

import io
import struct
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.core.limits import (
    DEFAULT_MEGAPIXELS,
    check_bytes,
    check_pixels,
    limit_images,
    limited_to,
    most_bytes,
    most_pixels,
)
from segkit.data.archives import open_source
from segkit.imaging.bands import open_rows
from segkit.imaging.pixels import decode
from segkit.imaging.tiff_bands import TiffRows
from segkit.runs.build import build_reader


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    limit_images(DEFAULT_MEGAPIXELS)


def written(height: int, width: int, kind: str) -> bytes:
    stream = io.BytesIO()
    pixels = np.zeros((height, width), np.uint8)
    if kind == "TIFF":
        tifffile.imwrite(stream, pixels, rowsperstrip=10)
    else:
        Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_the_last_pixel_that_is_allowed(kind: str) -> None:
    limit_images(0.02)
    assert decode(written(100, 200, kind), "a").shape == (100, 200)
    with pytest.raises(
        SegkitError, match=r"201×100 pixels; the limit is 0\.02 megapixels"
    ) as caught:
        decode(written(100, 201, kind), "scan.x")
    assert caught.value.where == "scan.x"
    assert "max_megapixels=" in caught.value.remedy


def test_pixels_and_bytes() -> None:
    limit_images(3)
    assert most_pixels() == 3_000_000
    assert most_bytes() == 24_000_000
    check_pixels(1000, 3000, "a")
    check_bytes(24_000_000, "a file", "a")
    with pytest.raises(SegkitError, match="3001×1000"):
        check_pixels(1000, 3001, "a")
    with pytest.raises(SegkitError, match="a file of 24 MB"):
        check_bytes(24_000_001, "a file", "a")


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), True, "9", None])
def test_what_is_no_bound(value: Any) -> None:
    with pytest.raises(SegkitError, match="is not a number above 0") as caught:
        limit_images(value)
    assert caught.value.where.startswith("max_megapixels=")
    assert most_pixels() == DEFAULT_MEGAPIXELS * 10**6


def test_a_reader_that_is_built_sets_it(phantom_root: Path) -> None:
    target = {"_target_": "segkit.data.readers.dsb2018.Dsb2018", "root": str(phantom_root)}
    config = {"dataset": {"reader": target}, "allow_targets": [], "max_megapixels": 7}
    build_reader(config)
    assert most_pixels() == 7_000_000
    build_reader({key: value for key, value in config.items() if key != "max_megapixels"})
    assert most_pixels() == DEFAULT_MEGAPIXELS * 10**6


def test_a_bound_is_kept_for_a_while_and_by_threads() -> None:
    before = most_pixels()
    with limited_to(2), ThreadPoolExecutor(1) as pool:
        assert most_pixels() == 2_000_000
        assert pool.submit(copy_context().run, most_pixels).result() == 2_000_000
    with pytest.raises(SegkitError), limited_to(2):
        check_pixels(2000, 2000, "a")
    assert most_pixels() == before
    copy_context().run(limit_images, 5)
    assert most_pixels() == before


def test_a_header_alone_takes_no_memory() -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    data = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    with pytest.raises(SegkitError, match="60000×60000 pixels; the limit is 1024 megapixels"):
        decode(data + struct.pack(">I", 4) + b"IDATxxxx", "a.png")


def test_files_larger_than_any_image(tmp_path: Path) -> None:
    limit_images(0.001)
    (tmp_path / "a.bin").write_bytes(bytes(8000))
    (tmp_path / "b.bin").write_bytes(bytes(8001))
    source = open_source(tmp_path)
    assert len(source.read("a.bin")) == 8000
    with pytest.raises(SegkitError, match="max_megapixels"):
        source.read("b.bin")


def test_a_tiff_by_rows_is_held_to_its_bands(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((5000, 40), np.uint8), rowsperstrip=10, compression="zlib")
    limit_images(0.05)  # 1250 of its rows
    rows = open_rows(path, 100)
    assert isinstance(rows, TiffRows)
    assert rows.rows(4000, 4100).all()
    limit_images(0.04)
    with pytest.raises(SegkitError, match=r"40×5000 pixels; the limit is 0\.04"):
        open_rows(path, 100)
    with pytest.raises(SegkitError, match="40×5000"):
        open_rows(path, sys.maxsize)


def test_pixels_that_no_bytes_stand_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((90, 40), np.uint8), rowsperstrip=90, compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        for number, value in ((257, 4_000_000), (278, 1000)):
            place = tiff.pages.first.tags[number].offset
            struct.pack_into("<HII", data, place + 2, 4, 1, value)
    path.write_bytes(data)
    limit_images(10)
    with pytest.raises(SegkitError, match="40×4000000 pixels"):
        open_rows(path, 100)
