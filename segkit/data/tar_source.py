"""A tar as a data set; a packed one is unpacked into the user's caches, once."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import shutil
import tarfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from rich.progress import BarColumn, DownloadColumn, TextColumn

from segkit.core.errors import SegkitError
from segkit.core.files import atomic_path
from segkit.core.home import at_home
from segkit.core.locks import waited_for
from segkit.core.stamps import checksum, file_stamp
from segkit.core.terminal import progress
from segkit.data.source import Source, is_litter

_HOME = "~/.cache/segkit/archives"
_BLOCK = 2**20
# Of a disk, which are left free; and of a member's name, which a header may give any length.
_ROOM, _LONGEST = 2**30, 2**20
# A dictionary of xz may be larger; nobody needs it to be.
_XZ_MEMORY = 2**29
_END = 512


class TarSource(Source):
    """A tar, of which each member is read at its own place; threads and forks share no position.

    Members are names and nothing else: ``../a.png`` leads nowhere. Links, devices and sparse files
    are left out. Of two of one name the later counts, as when an archive is unpacked.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        try:
            with plain_tar(root).open("rb", buffering=0) as file:
                found = _members(file)
                self._file = os.dup(file.fileno())
        except SegkitError:
            raise
        except Exception as error:  # each way of packing has its own family of exceptions
            raise SegkitError(
                f"the archive is damaged or not a tar file: {error}",
                where=str(root),
                remedy="fetch it again, or name the folder that it was unpacked to",
            ) from error
        weakref.finalize(self, os.close, self._file)
        self._places = {name: place for name, place in found if not is_litter(name)}

    def __getstate__(self) -> dict[str, Path]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]  # files do not travel by pickle

    def bytes_at(self, start: int, count: int) -> bytes:
        """A stretch of the tar, for whichever thread or process asks."""
        return os.pread(self._file, count, start)

    def names(self) -> list[str]:
        return sorted(self._places)

    def open(self, name: str) -> IO[bytes]:
        return cast("IO[bytes]", io.BufferedReader(_Part(self, *self._places[name])))

    def size(self, name: str) -> int:
        return self._places[name][1]

    def stamp(self, name: str) -> str:
        start, size = self._places[name]
        return f"{file_stamp(self.root)} {start} {size}"

    def checksum(self, name: str) -> str:
        with self.open(name) as stream:
            return checksum(stream)


class _Part(io.RawIOBase):
    """A stretch of a file, read by position alone."""

    def __init__(self, source: TarSource, start: int, size: int) -> None:
        # It keeps the source, with which the file would be closed.
        self._source, self._start, self._size, self._at = source, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._at, self._size)[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = max(min(len(buffer), self._size - self._at), 0)
        data = self._source.bytes_at(self._start + self._at, count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Headers:
    """What the listing reads of a tar: headers, of which a damaged one may claim gigabytes."""

    def __init__(self, file: io.FileIO) -> None:
        self.seek, self.tell, self._file = file.seek, file.tell, file

    def read(self, count: int) -> bytes:
        if count > _LONGEST:
            raise tarfile.ReadError(f"a header of {count} bytes")
        return self._file.read(count)


def _members(file: io.FileIO) -> list[tuple[str, tuple[int, int]]]:
    """Names of plain files, with place and size."""
    found, whole = [], os.fstat(file.fileno()).st_size
    headers = cast("IO[bytes]", _Headers(file))
    with tarfile.open(fileobj=headers, mode="r:", encoding="utf-8") as archive:
        while (member := archive.next()) is not None:
            name = PurePosixPath(member.name).as_posix()
            if member.isreg() and not member.issparse() and name != ".":
                found.append((name, (member.offset_data, member.size)))
            archive.members = []  # type: ignore[attr-defined]  # or each would be kept
        end = os.pread(file.fileno(), _END, archive.offset)
    reached = max((start + size for _, (start, size) in found), default=0)
    # tarfile takes the first header that it cannot read for the end.
    if len(end) < _END or any(end) or reached > whole:
        raise tarfile.ReadError("it ends early, or a header in it is damaged")
    return found


def plain_tar(path: Path) -> Path:
    """The tar that a packed one holds, unpacked once into the user's caches; a plain one itself.

    Members of a packed tar lie behind all those before them: to read them in any order, each of
    them would unpack it from its start.

    Raises:
        SegkitError: it is damaged, or there is no room for what it holds.
    """
    with path.open("rb") as stream:
        head = stream.read(6)
    opened = next((way for magic, way in _PACKED.items() if head.startswith(magic)), None)
    if opened is None:
        return path
    folder = at_home(_HOME, "dataset.root")
    key, stamp = (
        hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        for text in (os.path.realpath(path), file_stamp(path))
    )
    target = folder / f"{key}-{stamp}.tar"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with waited_for(folder / f"{key}.lock"):
            if not target.exists():
                for old in folder.glob(f"{key}-*.tar"):
                    old.unlink()
                _unpack(path, opened, target)
    except PermissionError as error:
        raise _no_room(path, f"{folder} cannot be written to") from error
    return target


def _unpack(path: Path, opened: "Callable[[IO[bytes]], Iterator[bytes]]", target: Path) -> None:
    columns = (TextColumn("unpacking {task.description}"), BarColumn(), DownloadColumn())
    with (
        path.open("rb") as packed,
        atomic_path(target) as temporary,
        temporary.open("wb") as out,
        progress(f"unpacking {path.name}, once", *columns) as bar,
    ):
        task = bar.add_task(path.name, total=path.stat().st_size)
        for number, block in enumerate(opened(packed)):
            if not number % 64 and shutil.disk_usage(target.parent).free < _ROOM:
                raise _no_room(path, f"it fills the disk of {target.parent}")
            out.write(block)
            bar.update(task, completed=packed.tell())


def _no_room(path: Path, what: str) -> SegkitError:
    return SegkitError(
        f"a packed tar is unpacked once to be read, and {what}",
        where=str(path),
        remedy="unpack it yourself (tar -xf) and name the folder: dataset.root=FOLDER; or name a "
        "place for caches with room: XDG_CACHE_HOME=PATH",
    )


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(_BLOCK), b"")


def _xz(stream: IO[bytes]) -> Iterator[bytes]:
    """As LZMAFile reads it, which cannot be told a bound of memory."""
    data = stream.read(_BLOCK)
    while data:
        unpacking = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
        while not unpacking.eof:
            yield unpacking.decompress(data, _BLOCK)
            data = b""
            if unpacking.needs_input and not unpacking.eof and not (data := stream.read(_BLOCK)):
                raise EOFError("it is cut off")
        data = unpacking.unused_data
        while not (data := data.lstrip(b"\0")) and (data := stream.read(_BLOCK)):
            pass  # streams may be padded


_PACKED: dict[bytes, Callable[[IO[bytes]], Iterator[bytes]]] = {
    b"\x1f\x8b": lambda stream: _read(cast("IO[bytes]", gzip.GzipFile(fileobj=stream))),
    b"BZh": lambda stream: _read(cast("IO[bytes]", bz2.BZ2File(stream))),
    b"\xfd7zXZ\0": _xz,
}
