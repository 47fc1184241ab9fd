"""Arrays inside ``.npz`` files, one item at a time: never a whole array, never a pickle."""

import io
import math
import os
import threading
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes
from segkit.data.source import Source

# numpy's headers are far shorter; one that claims gigabytes would be read before it is refused.
_LONGEST_HEADER = 10_000
# NumPy parses headers as Python, whose parser (3.11) counts its depth for all threads at once.
_parser = threading.Lock()
_REMEDY = "fetch the file again, or name another folder or zip with dataset.root="


class NpzArray:
    """One array of an ``.npz`` file, read item by item along its first axis.

    Any order works. A stored array is read at the item's own position. A deflated one has to be
    decompressed up to it: cheap from one item to the next, from the start again when going back.
    One thread at a time; :class:`NpzFiles` gives every thread its own.

    A checksum covers an array as a whole. It is compared once all items were read in their order,
    with the last one: damage that deflate does not notice shows there, or not at all.

    Args:
        stream: the seekable ``.npz``, closed together with this object.
        key: the array's name, without ``.npy``.
        where: what to call the file in an error.

    Attributes:
        shape: the whole array's shape.
        dtype: the stored type: a bool, integer or real type.

    Raises:
        KeyError: there is no such array.
        SegkitError: the file is damaged, or the array holds Python objects, is not numeric, or
            is in Fortran order.
    """

    def __init__(self, stream: IO[bytes], key: str, where: str) -> None:
        # Threads end without notice; their files are closed with them, cycles or not.
        self._close = weakref.finalize(self, stream.close)
        self._where = f"{where}, array {key}"
        with _readable(self._where):
            self._archive = zipfile.ZipFile(stream)
        entry = self._archive.getinfo(f"{key}.npy")
        with _readable(self._where):
            self._member, start = _open_member(stream, self._archive, entry)
            head = self._member.read(min(_LONGEST_HEADER, entry.file_size))
            length, (self.shape, self._fortran, self.dtype) = _read_header(head)
            self._first = start + length
        self._expected_sum, self._sum, self._summed = entry.CRC, zlib.crc32(head[:length]), 0
        self._check(held=start + entry.file_size - self._first)

    def __len__(self) -> int:
        return self.shape[0]

    def item(self, index: int) -> NDArray[Any]:
        """Item ``index`` of the first axis, of shape ``shape[1:]``, read-only, native byte order.

        Raises:
            IndexError: the array has no such item.
            SegkitError: the file is damaged.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"{self._where} has {len(self)} items, no item {index}")
        with _readable(f"{self._where}, item {index}"):
            self._member.seek(self._first + index * self._item_bytes)
            data = self._member.read(self._item_bytes)
            if len(data) < self._item_bytes:
                raise EOFError("it ends early")
            if index == self._summed:
                self._add_to_sum(data)
            flat = np.frombuffer(data, self.dtype)
            # Fortran order comes this far for a single item only.
            item = flat.reshape(self.shape[1:], order="F" if self._fortran else "C")
        return item.astype(self.dtype.newbyteorder("="), copy=False)

    def close(self) -> None:
        """Close the stream; calling it again does no harm."""
        self._close()

    def _add_to_sum(self, data: bytes) -> None:
        self._sum = zlib.crc32(data, self._sum)
        self._summed += 1
        if self._summed == len(self) and self._sum != self._expected_sum:
            raise zipfile.BadZipFile("some item up to this one is damaged (CRC-32 differs)")

    @property
    def _item_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def _check(self, held: int) -> None:
        if self.dtype.hasobject:
            self._refuse("an array of Python objects, which only unpickling could open")
        if self.dtype.kind not in "biuf":
            self._refuse(f"an array of {self.dtype}, not of numbers")
        if not self.shape:
            self._refuse("a single number, not a stack of images")
        if min(self.shape) < 0:
            self._refuse(f"an array of shape {self.shape}")
        check_bytes(self._item_bytes, "an image", self._where)
        if self._fortran and self.shape[0] > 1:
            self._refuse("an array in Fortran order, whose images cannot be read one by one")
        if held != self.shape[0] * self._item_bytes:
            self._refuse(f"an array of shape {self.shape} {self.dtype} in {held} bytes")

    def _refuse(self, what: str) -> None:
        raise SegkitError(
            what,
            where=self._where,
            remedy="save it again as a plain array: "
            "numpy.savez_compressed(path, X=numpy.ascontiguousarray(X), y=…)",
        )


class NpzFiles:
    """The ``.npz`` files of a source; each thread of each process has streams of its own.

    Args:
        source: where the files lie. In a zip, an ``.npz`` stored without compression is quicker.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._local = threading.local()

    def __reduce__(self) -> tuple[object, ...]:
        return (NpzFiles, (self._source,))  # open streams do not travel by pickle

    def array(self, name: str, key: str) -> NpzArray | None:
        """This thread's stream over one array, or None where the file has no such array.

        Args:
            name: the ``.npz`` file in the source.
            key: the array's name, without ``.npy``.

        Raises:
            SegkitError: as :class:`NpzArray` does.
        """
        opened = self._opened()
        if (name, key) not in opened:
            where = self._source.where(name)
            with _readable(where):
                stream = self._source.open(name)
            try:
                opened[name, key] = NpzArray(stream, key, where)
            except KeyError:
                stream.close()
                return None
        return opened[name, key]

    def _opened(self) -> dict[tuple[str, str], NpzArray]:
        # A forked process would share the file position with its parent.
        if getattr(self._local, "process", None) != os.getpid():
            self._local.process = os.getpid()
            self._local.arrays = {}
        arrays: dict[tuple[str, str], NpzArray] = self._local.arrays
        return arrays


@contextmanager
def _readable(where: str) -> Iterator[None]:
    """Name the file in what zipfile, zlib and numpy raise over a damaged one."""
    try:
        yield
    except SegkitError:
        raise
    except Exception as error:  # numpy's and zipfile's parsers bring up a dozen kinds
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise SegkitError(
            f"an .npz file that cannot be read: {reason}", where=where, remedy=_REMEDY
        ) from error


def _open_member(
    stream: IO[bytes], archive: zipfile.ZipFile, entry: zipfile.ZipInfo
) -> tuple[IO[bytes], int]:
    """A stream positioned at the member's first byte, and that position."""
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        return archive.open(entry), 0
    if entry.compress_type != zipfile.ZIP_STORED:
        # The others unpack without a bound.
        raise NotImplementedError("it is packed in a way that numpy does not write")
    # Before Python 3.12 zipfile seeks by reading, even where nothing is compressed.
    # Local header (PKWARE APPNOTE 4.3.7): 30 bytes, of which 26…29 are the name's and the
    # extra field's lengths; name, extra field and data follow.
    if entry.flag_bits & 0x1:
        raise RuntimeError("it is encrypted")
    stream.seek(entry.header_offset + 26)
    lengths = stream.read(4)
    name, extra = int.from_bytes(lengths[:2], "little"), int.from_bytes(lengths[2:], "little")
    start = entry.header_offset + 30 + name + extra
    stream.seek(start)
    return stream, start


def _read_header(head: bytes) -> tuple[int, tuple[tuple[int, ...], bool, np.dtype[Any]]]:
    """Its length, and what it says: shape, whether in Fortran order, and type."""
    stream = io.BytesIO(head)
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the .npy format")
    with _parser:
        found = readers[version](stream)
    return stream.tell(), found
