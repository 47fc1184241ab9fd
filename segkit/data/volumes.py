"""Volumes of a data set: a slice is a name of its source, ``ct.nii.gz#12``, as a file is."""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED
from segkit.core.memory import without_turns
from segkit.data.source import Source
from segkit.imaging.formats.base import Slicing, Stack, Volume, Voxels
from segkit.imaging.formats.plane import packed
from segkit.imaging.formats.registry import suffixes, volume_format
from segkit.imaging.intensity import (
    Rule,
    Window,
    as_numbers,
    fixed,
    spanned,
    watch,
    window_of,
)

_SLICE = re.compile(r"(?P<file>.+)#(?P<number>\d+)")
# Volumes of two images with their masks: the one that is read, and the next. Of small ones, which
# many threads are through with at once, as many more as these bytes hold.
_HELD, _BYTES = 4, 2**28


def slice_name(file: str, number: int) -> str:
    """What a slice is called, counted from 0."""
    return f"{file}#{number}"


def split_name(name: str) -> tuple[str, int | None]:
    """The file that a name is of, and the number of its slice where it is one's."""
    found = _SLICE.fullmatch(name)
    if found is None or not found["file"].lower().endswith(suffixes()):
        return name, None
    return found["file"], int(found["number"])


def file_of(name: str) -> str:
    """The file that a name is of: of a slice that of its volume."""
    return split_name(name)[0]


class VolumeSource(Source):
    """A source in which slices of volumes are read like files.

    A volume is decoded once and kept for the slices that follow. Of several threads one decodes
    it, and the others wait for it.

    Args:
        source: of the files.
        slicing: how volumes are cut.

    Attributes:
        held: volumes that are kept; at least those of two records, or each slice decodes them.
    """

    def __init__(self, source: Source, slicing: Slicing) -> None:
        super().__init__(source.root)
        self.source, self.slicing, self.held = source, slicing, _HELD
        self._volumes: OrderedDict[str, _Held] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        # Pixels and locks do not travel by pickle.
        return {"source": self.source, "slicing": self.slicing, "held": self.held}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["source"], state["slicing"])  # type: ignore[misc]
        self.held = state["held"]

    def names(self) -> list[str]:
        return self.source.names()

    def open(self, name: str) -> IO[bytes]:
        return self.source.open(name)

    def size(self, name: str) -> int:
        return self.source.size(name)

    def stamp(self, name: str) -> str:
        return self.source.stamp(name)

    def checksum(self, name: str) -> str:
        return self.source.checksum(name)

    def volume(self, file: str) -> Volume | None:
        """Its header, where it is a volume that is to be cut.

        Raises:
            SegkitError: it cannot be read, is none that segkit reads, or is larger than the bound.
        """
        kind = volume_format(file)
        if kind is None or kind.volume is None:
            return None
        with reading(self.where(file)):
            return kind.volume(lambda: self.source.open(file), self.where(file), self.slicing)

    def read(self, name: str) -> bytes:
        """The bytes of a file, or of a slice, which :func:`decode` reads as it does a file's.

        Raises:
            SegkitError: it cannot be read, or the volume has no such slice.
        """
        file, number = split_name(name)
        if number is None:
            return self.source.read(name)
        stack = self._held(file).stack(self)
        if number >= len(stack):
            raise SegkitError(
                f"a volume of {len(stack)} slices",
                where=self.where(name),
                remedy="list the data anew: start the command again",
            )
        return packed(stack.picture(number), stack.indices(number))

    def window(self, name: str, rule: Rule) -> Window | None:
        """Of all slices of a slice's volume together; None of another file.

        Raises:
            SegkitError: as :func:`volume_window`.
        """
        file, number = split_name(name)
        return None if number is None else self._held(file).window(self, rule)

    def _held(self, file: str) -> "_Held":
        with self._lock:
            found = self._volumes.pop(file, None) or _Held(file)
            self._volumes[file] = found
            while len(self._volumes) > self.held and self._bytes() > _BYTES:
                self._volumes.popitem(last=False)
        return found

    def _bytes(self) -> int:
        return sum(one.bytes for one in self._volumes.values())


class _Held:
    """One volume: decoded, or the reason why it cannot be, which need not be found out again."""

    def __init__(self, file: str) -> None:
        self._file, self._lock = file, threading.Lock()
        self._stack: Stack | None = None
        self._windows: dict[Rule, Window] = {}
        self._error: SegkitError | None = None
        self.bytes = 0  # that it takes

    def stack(self, source: VolumeSource) -> Stack:
        with self._lock:
            if self._error is not None:
                raise SegkitError(
                    self._error.what, where=self._error.where, remedy=self._error.remedy
                )
            if self._stack is None:
                with self._kept():
                    self._stack = stack = _decoded(source, self._file)
                    held = stack.pixels.nbytes if isinstance(stack, Voxels) else None
                    self.bytes = source.size(self._file) if held is None else held
            return self._stack

    def window(self, source: VolumeSource, rule: Rule) -> Window:
        stack = self.stack(source)
        with self._lock:
            if rule not in self._windows:
                with self._kept():
                    self._windows[rule] = volume_window(stack, rule, source.where(self._file))
            return self._windows[rule]

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keep the reason why it cannot be used, for the slices that follow."""
        try:
            yield
        except SegkitError as error:
            self._error = error
            raise


def volume_window(stack: Stack, rule: Rule, name: str) -> Window:
    """What becomes 0 and 255 of all slices of a volume.

    Raises:
        SegkitError: as :func:`~segkit.imaging.intensity.window_of`.
    """
    if (window := fixed(rule)) is not None:
        return window
    if rule != STORED:
        seen = watch(rule)
        for number in range(len(stack)):
            plane = stack.picture(number).pixels
            window_of(plane, (0, 1), name)  # refuses what is not finite
            seen.add(as_numbers(plane))
        return spanned(seen.window(rule), name)
    # The percentiles of what is stored: what they stand for is not made of every voxel.
    pixels, slope, offset = stack.voxels()
    if (slope, offset) != (1, 0) and pixels.dtype.itemsize == 1:
        pixels = pixels.astype(np.int16)
    found = window_of(pixels, STORED, name)
    low, high = sorted(slope * end + offset for end in (*found.low, *found.high))
    return Window((low,), (high,))


def _decoded(source: VolumeSource, file: str) -> Stack:
    volume = source.volume(file)
    if volume is None:
        raise SegkitError(
            "a file of no slices",
            where=source.where(file),
            remedy="list the data anew: start the command again",
        )
    with reading(source.where(file)), without_turns():
        return volume.read()


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Name the file in what a decoder raises over a damaged one."""
    try:
        yield
    except SegkitError:
        raise
    except MemoryError as error:
        raise SegkitError(
            "not enough memory to decode the volume", where=where, remedy="cut it into parts"
        ) from error
    except Exception as error:  # every decoder has its own family of exceptions
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise SegkitError(
            f"a volume that cannot be read: {reason}", where=where, remedy="replace the file"
        ) from error
