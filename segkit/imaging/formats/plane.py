"""A slice of a volume as it is handed on: arrays behind a mark of segkit's own.

They are what is shown; what was measured; and what a mask has stored, where these differ.
"""

import json
from math import prod

import numpy as np

from segkit.imaging.formats.base import Format, Picture, Pixels

_MARK = b"\x93segkit slice\n"


def packed(picture: Picture, indices: Pixels | None = None) -> bytes:
    """The bytes of a slice, of any real type; decoding gives it back.

    Args:
        picture: without alpha or names of channels.
        indices: (H, W) or (H, W, C), which decoding for a mask gives instead.
    """
    parts = (picture.pixels, picture.measured, indices)
    # NumPy's own headers are read by Python's parser, of which 3.11 fails in threads.
    told = json.dumps([part if part is None else (part.dtype.str, part.shape) for part in parts])
    data = (np.ascontiguousarray(part).data for part in parts if part is not None)
    return b"".join((_MARK, told.encode(), b"\n", *data))


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    del name
    place = data.index(b"\n", len(_MARK)) + 1
    parts: list[Pixels | None] = []
    for told in json.loads(data[len(_MARK) : place]):
        if told is None:
            parts.append(None)
            continue
        kind, shape = told
        # A copy of no more than there is: what the header claims is not allocated.
        part = np.frombuffer(data, np.dtype(kind), prod(shape), place).copy().reshape(shape)
        place += part.nbytes
        parts.append(part)
    pixels, measured, indices = parts
    if indexed and indices is not None:
        return Picture(indices)
    if pixels is None:
        raise ValueError("a slice of no pixels")
    return Picture(pixels, measured=measured)


FORMAT = Format("slice", (), lambda head: head.startswith(_MARK), _read)
