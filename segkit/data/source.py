"""Where a data set lies: a folder, or the archive as it was downloaded. Nothing is unpacked."""

import os
import stat
import threading
import weakref
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.home import at_home
from segkit.core.limits import check_bytes
from segkit.core.stamps import UNREADABLE, checksum, file_stamp

_LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
# bzip2 and LZMA unpack all that they are fed; four kilobytes become a hundred megabytes at most.
_FEED = 4096


class Source(ABC):
    """A read-only tree of files, named by POSIX paths relative to its root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @abstractmethod
    def names(self) -> list[str]:
        """Every file's name, sorted; what operating systems leave behind is left out."""

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """A new seekable stream over one file."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of one file, as its entry claims them."""

    @abstractmethod
    def stamp(self, name: str) -> str:
        """What changes whenever a file does, and is quick to learn: nothing of it is read.

        It may change while the content stays, as in a copy.
        """

    @abstractmethod
    def checksum(self, name: str) -> str:
        """What changes when, and only when, the content of a file does; it is read as a whole."""

    def read(self, name: str) -> bytes:
        """The bytes of one file; safe to call from several threads.

        Raises:
            SegkitError: the file cannot be read, is a damaged or encrypted member of an archive, or
                is larger than the bound of :mod:`segkit.core.limits`.
        """
        try:
            with self.open(name) as stream:
                size = self.size(name)
                check_bytes(size, "a file", self.where(name))
                return self._read(stream, name, size)
        except SegkitError:
            raise
        except Exception as error:  # every method of packing has its own family of exceptions
            reason = getattr(error, "strerror", None) or error
            raise SegkitError(
                f"a file that cannot be read: {reason}",
                where=self.where(name),
                remedy="mend or fetch it again",
            ) from error

    def _read(self, stream: IO[bytes], name: str, size: int) -> bytes:
        """No more than ``size`` bytes and one: a damaged entry may claim fewer than there are."""
        del name
        return stream.read(size + 1)

    def window(self, name: str) -> tuple[float, float] | None:
        """What becomes 0 and 255 of an image that is scaled with others; None, of its own."""
        del name
        return None

    def where(self, name: str) -> str:
        """How to name a file in a message."""
        return f"{self.root}/{name}" if name else str(self.root)


class FolderSource(Source):
    """A folder on disk."""

    def names(self) -> list[str]:
        found = []
        for folder, files in walk(self.root):
            place = folder.relative_to(self.root)
            found += [(place / file).as_posix() for file in files]
        return sorted(name for name in found if not is_litter(name))

    def open(self, name: str) -> IO[bytes]:
        path = self.root / name
        # Opening a pipe waits for its other end; a device has no end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("neither a file nor a link to one")
        return path.open("rb")

    def size(self, name: str) -> int:
        return (self.root / name).stat().st_size

    def stamp(self, name: str) -> str:
        return file_stamp(self.root / name)

    def checksum(self, name: str) -> str:
        try:
            with self.open(name) as stream:
                return checksum(stream)
        except OSError:
            return UNREADABLE


class ZipSource(Source):
    """A zip archive, read in place.

    Each thread keeps a handle of its own, so that decoding threads do not wait for each other.
    Members are names and nothing else: ``../a.png`` leads nowhere. Of two of one name the later
    counts, as when an archive is unpacked.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._local = threading.local()
        self._entries = {
            entry.filename: entry
            for entry in self._archive().infolist()
            if entry.filename and not entry.is_dir() and not is_litter(entry.filename)
        }

    def __getstate__(self) -> dict[str, Path]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]  # handles do not travel by pickle

    def _archive(self) -> zipfile.ZipFile:
        if getattr(self._local, "process", None) != os.getpid():
            # A handle that came through a fork shares its file position with the parent's.
            self._local.process, self._local.archive = os.getpid(), None
        archive: zipfile.ZipFile | None = getattr(self._local, "archive", None)
        if archive is None:
            try:
                archive = zipfile.ZipFile(self.root)
            except Exception as error:  # a damaged index raises more than BadZipFile
                raise SegkitError(
                    f"the archive is damaged or not a zip file: {error}",
                    where=str(self.root),
                    remedy="download it again, or name the unpacked folder as dataset.root",
                ) from error
            if archive.fp is not None:  # closed, whatever circle of references it ends in
                weakref.finalize(archive, archive.fp.close)
            self._local.archive = archive
        return archive

    def names(self) -> list[str]:
        return sorted(self._entries)

    def open(self, name: str) -> IO[bytes]:
        return self._archive().open(self._entries[name])

    def size(self, name: str) -> int:
        return self._entries[name].file_size

    def _read(self, stream: IO[bytes], name: str, size: int) -> bytes:
        if self._entries[name].compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return stream.read(size + 1)
        return b"".join(iter(lambda: stream.read(_FEED), b""))

    def stamp(self, name: str) -> str:
        entry = self._entries[name]
        return f"{entry.file_size} {entry.CRC} {entry.date_time}"

    def checksum(self, name: str) -> str:
        # The archive has it; that it holds is found out whenever the member is read.
        return f"{self._entries[name].file_size} {self._entries[name].CRC}"


def open_source(root: str | Path) -> Source:
    """Open a folder, a ``.zip``, or a folder that holds nothing but a ``.zip``.

    Raises:
        SegkitError: nothing is there, or it is neither a folder nor an archive.
    """
    path = at_home(root, "dataset.root")
    try:
        is_folder, is_there = path.is_dir(), path.exists()
        beside = [p.name for p in path.parent.glob("*") if p.is_dir() or p.suffix == ".zip"]
    except OSError:  # a name too long, or a folder that may not be entered
        is_folder, is_there, beside = False, False, []
    if is_folder:
        return ZipSource(alone) if (alone := _only_archive(path)) else FolderSource(path)
    if not is_there:
        hint = f" ({did_you_mean(path.name, beside)})" if beside else ""
        raise SegkitError(
            "the data set is not there",
            where=f"dataset.root={path}",
            remedy=f"name the folder or the zip that holds it: dataset.root=PATH{hint}",
        )
    if not _is_archive(path):
        raise SegkitError(
            "neither a folder nor a whole zip archive",
            where=f"dataset.root={path}",
            remedy="name the folder or the .zip of the data set; fetch it again if it is cut short",
        )
    return ZipSource(path)


def _only_archive(folder: Path) -> Path | None:
    """The archive in a folder with nothing else, as a download leaves it."""
    try:
        inside = list(islice((p for p in folder.iterdir() if not is_litter(p.name)), 2))
    except OSError:
        return None  # the folder itself says so when it is listed
    return inside[0] if len(inside) == 1 and _is_archive(inside[0]) else None


def _is_archive(path: Path) -> bool:
    # Arrays of NumPy's in a zip are data themselves. Opening a pipe would wait for ever.
    return path.is_file() and path.suffix.lower() != ".npz" and zipfile.is_zipfile(path)


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder below ``root`` with the names of its files, each once, links followed.

    Links that lead in circles, or to a folder that ``root`` lies in, are not.
    """
    own, seen = os.path.realpath(root), set()
    # Data often lies behind a linked folder, which Path.rglob does not follow.
    for folder, below, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen or (real != own and own.startswith(real.rstrip("/") + "/")):
            below.clear()
            continue
        seen.add(real)
        yield Path(folder), files


def is_litter(name: str) -> bool:
    """Whether a file is hidden, or left behind by an operating system."""
    return any(part in _LITTER or part[0] == "." for part in PurePosixPath(name).parts)
