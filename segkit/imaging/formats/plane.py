"""A slice of a volume as it is handed on: NumPy's format behind a mark of segkit's own."""

import io

import numpy as np
from numpy.lib import format as npy

from segkit.imaging.formats.base import Format, Picture, Pixels

_MARK = b"\x93segkit slice\n"


def packed(pixels: Pixels) -> bytes:
    """The bytes of (H, W) or (H, W, C), any real type; decoding gives them back."""
    stream = io.BytesIO()
    stream.write(_MARK)
    npy.write_array(stream, np.ascontiguousarray(pixels), allow_pickle=False)
    return stream.getvalue()


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    del name, indexed
    stream = io.BytesIO(data)
    stream.seek(len(_MARK))
    version = npy.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"a slice in version {version} of NumPy's format")
    shape, fortran, dtype = npy.read_array_header_1_0(stream)
    # A copy of no more than there is: what the header claims is not allocated.
    pixels = np.frombuffer(data, dtype, offset=stream.tell()).copy()
    return Picture(pixels.reshape(shape, order="F" if fortran else "C"))


FORMAT = Format("slice", (), lambda head: head.startswith(_MARK), _read)
