"""A slice of a volume as it is handed on: its values behind a mark of segkit's own."""

import json

import numpy as np

from segkit.imaging.formats.base import Format, Picture, Pixels

_MARK = b"\x93segkit slice\n"


def packed(pixels: Pixels) -> bytes:
    """The bytes of (H, W) or (H, W, C), any real type; decoding gives them back."""
    # NumPy's own header is read by Python's parser, of which 3.11 fails in threads.
    head = json.dumps([pixels.dtype.str, pixels.shape]).encode()
    return b"".join((_MARK, head, b"\n", np.ascontiguousarray(pixels).data))


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    del name, indexed
    end = data.index(b"\n", len(_MARK))
    kind, shape = json.loads(data[len(_MARK) : end])
    # A copy of no more than there is: what the header claims is not allocated.
    return Picture(np.frombuffer(data, np.dtype(kind), offset=end + 1).copy().reshape(shape))


FORMAT = Format("slice", (), lambda head: head.startswith(_MARK), _read)
