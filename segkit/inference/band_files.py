"""PNG and TIFF files written from the top down, so that of an image only a band is in memory."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class Png:
    """A PNG of 8 or 16 bits (W3C, PNG 3rd edition), compressed by rows; ``close`` completes it.

    Args:
        path: of the file.
        size: rows and columns.
        kind: uint8 or uint16.
        palette: (n, 3) RGB, where the pixels are 8-bit indices into it; grey without one.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], kind: str = "uint8", palette: Bytes | None = None
    ) -> None:
        self._kind = np.dtype(kind).newbyteorder(">")
        self._file, self._packer = path.open("wb"), zlib.compressobj(4)
        self._file.write(b"\x89PNG\r\n\x1a\n")
        bits, colours = 8 * self._kind.itemsize, 0 if palette is None else 3
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], bits, colours, 0, 0, 0))
        if palette is not None:
            self._chunk(b"PLTE", palette.tobytes())

    def add(self, top: int, rows: NDArray[Any]) -> None:
        """Write the next rows, (1, h, W); ``top`` is the number of the first."""
        del top
        data = np.ascontiguousarray(rows[0], self._kind).view(np.uint8)
        # Each row begins with its filter; 0 is none.
        self._chunk(b"IDAT", self._packer.compress(np.pad(data, ((0, 0), (1, 0))).tobytes()))

    def close(self) -> None:
        self._chunk(b"IDAT", self._packer.flush())
        self._chunk(b"IEND", b"", always=True)
        self._file.close()

    def _chunk(self, name: bytes, data: bytes, *, always: bool = False) -> None:
        if data or always:
            check = zlib.crc32(data, zlib.crc32(name))
            self._file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", check))


class Tiff:
    """An uncompressed TIFF, filled as its rows come.

    Args:
        path: of the file.
        shape: (planes, rows, columns); one plane is written as (rows, columns).
        kind: of its values.
        tags: further arguments of ``tifffile.memmap``, such as ``resolution``.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], kind: str, **tags: Any) -> None:
        self._kind, self._shape = np.dtype(kind), shape
        size = int(np.prod(shape)) * self._kind.itemsize
        whole = shape[1:] if shape[0] == 1 else shape
        # A memory map's pages would be counted as this process's memory.
        mapped = tifffile.memmap(
            path,
            shape=whole,
            dtype=kind,
            bigtiff=size > 2**32 - 2**25,
            photometric="minisblack",
            **tags,
        )
        self._offset = int(mapped.offset)
        del mapped
        self._file = path.open("r+b")

    def add(self, top: int, rows: NDArray[Any]) -> None:
        """Write the rows from ``top`` on, (planes, h, W)."""
        _, height, width = self._shape
        for number, plane in enumerate(rows):
            place = (number * height + top) * width * self._kind.itemsize
            self._file.seek(self._offset + place)
            self._file.write(np.ascontiguousarray(plane, self._kind).tobytes())

    def close(self) -> None:
        self._file.close()
