"""imagecodecs as a decoder of compressed DICOM, beside those that pydicom finds by itself.

pydicom asks such a module for ``is_available``, ``DECODER_DEPENDENCIES`` and what decodes a frame.
"""

import threading
from contextlib import suppress
from typing import Any

import imagecodecs
import numpy as np
from pydicom import uid
from pydicom.pixels.decoders.base import Decoder, DecodeRunner

from segkit.imaging.jpeg_header import jpeg2000_size, jpeg_size

NAME = "imagecodecs"
_LOSSLESS_JPEG = (uid.JPEGLossless, uid.JPEGLosslessSV1)
_JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
_JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000)
_HTJ2K = (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
# JPEG of 8 bits is Pillow's, which tells a frame that was cut off.
_CODECS = {
    uid.JPEGExtended12Bit: "JPEG8",
    **dict.fromkeys(_LOSSLESS_JPEG, "JPEGSOF3"),
    **dict.fromkeys(_JPEG_LS, "JPEGLS"),
    # OpenJPEG decodes both; the codec of HTJ2K alone keeps silent about damage.
    **dict.fromkeys((*_JPEG_2000, *_HTJ2K), "JPEG2K"),
    uid.RLELossless: "DICOMRLE",
}
DECODER_DEPENDENCIES = dict.fromkeys(_CODECS, (NAME,))
# pydicom's list of decoders is the whole process's.
_lock = threading.Lock()


def is_available(syntax: str) -> bool:
    """Whether imagecodecs was built with what decodes a transfer syntax."""
    return syntax in _CODECS and bool(getattr(imagecodecs, _CODECS[uid.UID(syntax)]).available)


def add_to(decoder: Decoder) -> None:
    """Make it one of a transfer syntax's decoders, once."""
    with _lock:
        if decoder.UID in _CODECS and NAME not in decoder.available_plugins:
            with suppress(ValueError):  # it is there, and unavailable
                decoder.add_plugin(NAME, (__name__, "decode_frame"))


def decode_frame(packed: bytes, runner: DecodeRunner) -> bytes:
    """One frame, samples next to each other, but for RLE, where each comes by itself."""
    syntax = runner.transfer_syntax
    if syntax == uid.RLELossless:
        runner.set_option("planar_configuration", 1)
        kind = f"<u{runner.bits_allocated // 8}"
        size = int(runner.frame_length("bytes"))
        return bytes(imagecodecs.dicomrle_decode(packed, kind, out=size))
    options = {}
    if syntax == uid.JPEGExtended12Bit:
        if not packed.rstrip(b"\0").endswith(b"\xff\xd9"):
            raise ValueError("a JPEG that was cut off")
        # pydicom changes colours: to the codec both are of one space.
        options = {"colorspace": 2, "outcolorspace": 2} if runner.samples_per_pixel == 3 else {}
    decode: Any = getattr(imagecodecs, f"{_CODECS[syntax].lower()}_decode")
    pixels = np.ascontiguousarray(decode(packed, **options))
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    runner.set_option("planar_configuration", 0)
    runner.set_option("bits_allocated", 8 * pixels.dtype.itemsize)
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def check_frame(packed: bytes, syntax: str, shape: tuple[int, int, int], itemsize: int) -> None:
    """Refuse a frame that unpacks to other than what the tags say.

    Args:
        packed: of one frame.
        syntax: its transfer syntax.
        shape: rows, columns and samples, by the tags.
        itemsize: bytes of a sample.

    Raises:
        ValueError: with both sizes.
    """
    if syntax == uid.RLELossless:
        # At the worst a byte of the image takes two; and there is a header.
        bound = 2 * shape[0] * shape[1] * shape[2] * itemsize + 1024
        if len(packed) > bound:
            raise ValueError("more RLE data than the image has pixels")
        return
    found = (jpeg2000_size if syntax in (*_JPEG_2000, *_HTJ2K) else jpeg_size)(packed)
    if found != shape:
        raise ValueError(f"a frame of {found} in an image of {shape}")
