"""The size that a JPEG states, against what its encoder was given."""

import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest

from segkit.imaging.jpeg_header import jpeg2000_size, jpeg_size

GREY = np.zeros((20, 31), np.uint8)
RGB = np.zeros((20, 31, 3), np.uint8)


@pytest.mark.parametrize("encode", ["jpeg8_encode", "ljpeg_encode", "jpegls_encode"])
def test_jpeg(encode: str) -> None:
    made: Callable[..., bytes] = getattr(imagecodecs, encode)
    assert jpeg_size(made(GREY)) == (20, 31, 1)
    if encode != "ljpeg_encode":
        assert jpeg_size(made(RGB)) == (20, 31, 3)


@pytest.mark.parametrize("kind", ["j2k", "jp2"])
def test_jpeg_2000(kind: str) -> None:
    for image, samples in ((GREY, 1), (RGB, 3)):
        made: Any = imagecodecs.jpeg2k_encode(image, level=0, codecformat=kind)
        assert jpeg2000_size(made) == (20, 31, samples)


def _before(data: bytes, segment: bytes) -> bytes:
    return data[:2] + segment + data[2:]


def test_segments_and_filling_before_the_frame_header() -> None:
    data: Any = imagecodecs.jpeg8_encode(GREY)
    # A frame header of another image lies in a comment, as a thumbnail's does.
    comment = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 9, 9, 1) + bytes(3)
    assert jpeg_size(_before(data, b"\xff\xe1" + struct.pack(">H", 15) + comment)) == (20, 31, 1)
    assert jpeg_size(_before(data, b"\xff\xff\xff\x01")) == (20, 31, 1)


def test_none() -> None:
    data: Any = imagecodecs.jpeg8_encode(GREY)
    scan = data.index(b"\xff\xda")
    for other in (b"", b"\xff\xd8", data[:2] + data[scan:], bytes(99)):
        with pytest.raises(ValueError, match="without a frame header"):
            jpeg_size(other)
        with pytest.raises(ValueError, match="without a header"):
            jpeg2000_size(other)
