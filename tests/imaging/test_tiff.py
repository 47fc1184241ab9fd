"""TIFF files that lie about themselves; what honest ones give is in test_images and test_rows."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.imaging.pixels import decode


def directory(following: int, **tags: int) -> bytes:
    entries = b"".join(struct.pack("<HHII", int(t[1:]), 4, 1, tags[t]) for t in sorted(tags))
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


TAGS = {
    "t256": 2,
    "t257": 2,
    "t258": 8,
    "t259": 1,
    "t262": 1,
    "t273": 8,
    "t277": 1,
    "t278": 2,
    "t279": 4,
}


def chain(pages: int, last: int) -> bytes:
    """A TIFF of so many pages, the last of which leads to ``last``."""
    size = 2 + 12 * len(TAGS) + 4
    parts = [directory(8 + size * (n + 1) if n + 1 < pages else last, **TAGS) for n in range(pages)]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(parts)


@pytest.mark.parametrize("pages", [1, 2, 100, 150])
def test_pages_that_lead_in_circles(pages: int) -> None:
    decode(chain(1, 0), "a.tif")
    with pytest.raises(SegkitError, match="goes in circles"):
        decode(chain(pages, 8), "a.tif")


def test_pages_without_end() -> None:
    with pytest.raises(SegkitError, match="longer than 10000"):
        decode(chain(10_001, 0), "a.tif")


def test_a_page_behind_the_end() -> None:
    with pytest.raises(SegkitError, match="cut off"):
        decode(chain(1, 5000), "a.tif")


def packed(pixels: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000"])
def test_a_jpeg_larger_than_its_tile(compression: str) -> None:
    small = packed(np.zeros((16, 16), np.uint8), compression=compression)
    large = packed(np.zeros((800, 800), np.uint8), compression=compression, rowsperstrip=800)
    assert decode(large, "a.tif").shape == (800, 800)
    spoilt = bytearray(large)
    with tifffile.TiffFile(io.BytesIO(large)) as tiff:
        for number in (256, 257, 278):
            place = tiff.pages.first.tags[number].offset
            struct.pack_into("<HII", spoilt, place + 2, 4, 1, 16)
    assert decode(small, "a.tif").shape == (16, 16)
    with pytest.raises(SegkitError, match="a JPEG of 800×800 pixels in a tile of 16×16"):
        decode(bytes(spoilt), "a.tif")


def test_a_codec_with_a_size_of_its_own() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stream, "WEBP")
    tags = {**TAGS, "t259": 50001, "t279": 8}
    with pytest.raises(SegkitError, match="TIFF compression 50001"):
        decode(b"II*\0" + struct.pack("<I", 8) + directory(0, **tags), "a.tif")


def test_a_palette_of_too_few_colours() -> None:
    stream = io.BytesIO()
    Image.new("P", (9, 9), 3).save(stream, "TIFF")
    data = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        place = tiff.pages.first.tags[320].offset
    struct.pack_into("<I", data, place + 4, 3 * 16)
    with pytest.raises(SegkitError, match="a palette of too few colours"):
        decode(bytes(data), "a.tif")
    assert (decode(bytes(data), "a.tif", indexed=True) == 3).all()
