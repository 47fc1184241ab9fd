"""A slice of a volume as it is handed on: arrays in NumPy's format behind a mark of segkit's own.

They are what is shown; what was measured; and what a mask has stored, where these differ.
"""

import io
from math import prod

import numpy as np
from numpy.lib import format as npy

from segkit.imaging.formats.base import Format, Picture, Pixels

_MARK = b"\x93segkit slice\n"
_THERE, _NONE = b"+", b"-"


def packed(picture: Picture, indices: Pixels | None = None) -> bytes:
    """The bytes of a slice, of any real type; decoding gives it back.

    Args:
        picture: without alpha or names of channels.
        indices: (H, W) or (H, W, C), which decoding for a mask gives instead.
    """
    stream = io.BytesIO()
    stream.write(_MARK)
    for part in (picture.pixels, picture.measured, indices):
        stream.write(_NONE if part is None else _THERE)
        if part is not None:
            npy.write_array(stream, np.ascontiguousarray(part), allow_pickle=False)
    return stream.getvalue()


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    del name
    stream = io.BytesIO(data)
    stream.seek(len(_MARK))
    pixels, measured, indices = (_part(stream, data) for _ in range(3))
    if indexed and indices is not None:
        return Picture(indices)
    if pixels is None:
        raise ValueError("a slice of no pixels")
    return Picture(pixels, measured=measured)


def _part(stream: io.BytesIO, data: bytes) -> Pixels | None:
    if stream.read(1) != _THERE:
        return None
    version = npy.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"a slice in version {version} of NumPy's format")
    shape, fortran, dtype = npy.read_array_header_1_0(stream)
    # A copy of no more than there is: what the header claims is not allocated.
    pixels = np.frombuffer(data, dtype, prod(shape), stream.tell()).copy()
    stream.seek(pixels.nbytes, io.SEEK_CUR)
    return pixels.reshape(shape, order="F" if fortran else "C")


FORMAT = Format("slice", (), lambda head: head.startswith(_MARK), _read)
