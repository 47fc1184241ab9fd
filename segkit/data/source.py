"""Where a data set lies: a folder, or the archive as it was downloaded. Nothing is unpacked."""

import hashlib
import lzma
import os
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from segkit.errors import SegkitError, did_you_mean

_LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
# RuntimeError: zipfile's word for a password or a method of compression that it does not know.
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError)


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
    def stamp(self, name: str) -> str:
        """What changes when a file does: size, modification time, whether it can be read."""

    def read(self, name: str) -> bytes:
        """The bytes of one file; safe to call from several threads.

        Raises:
            SegkitError: the file cannot be read, or is a damaged or encrypted member of an archive.
        """
        try:
            with self.open(name) as stream:
                return stream.read()
        except _UNREADABLE as error:
            reason = getattr(error, "strerror", None) or error
            raise SegkitError(
                f"a file that cannot be read: {reason}",
                where=self.where(name),
                remedy="mend or fetch it again, or leave the record out with "
                "dataset.on_bad_record=skip",
            ) from error

    def where(self, name: str) -> str:
        """How to name a file in a message."""
        return f"{self.root}/{name}" if name else str(self.root)

    def fingerprint(self, names: Iterable[str]) -> str:
        """A hash over names, sizes and modification times: what a cache of them stands on."""
        digest = hashlib.sha256()
        for name in sorted(names):
            digest.update(f"{name}\0{self.stamp(name)}\n".encode())
        return digest.hexdigest()


class FolderSource(Source):
    """A folder on disk."""

    def names(self) -> list[str]:
        found, seen = [], set()
        # Data often lies behind a linked folder, which Path.rglob does not follow.
        for folder, below, files in os.walk(self.root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:  # a link back up the tree
                below.clear()
                continue
            seen.add(real)
            place = Path(folder).relative_to(self.root)
            found += [(place / file).as_posix() for file in files]
        return sorted(name for name in found if not _is_litter(name))

    def open(self, name: str) -> IO[bytes]:
        return (self.root / name).open("rb")

    def stamp(self, name: str) -> str:
        path = self.root / name
        # Otherwise a cache would go on reporting a file that has been made readable since.
        if not os.access(path, os.R_OK):
            return "unreadable"
        status = path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"


class ZipSource(Source):
    """A zip archive, read in place.

    Each thread keeps a handle of its own, so that decoding threads do not wait for each other.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._local = threading.local()
        self._entries = {
            entry.filename: entry
            for entry in self._archive().infolist()
            if not entry.is_dir() and not _is_litter(entry.filename)
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
            except zipfile.BadZipFile as error:
                raise SegkitError(
                    "the archive is damaged or not a zip file",
                    where=str(self.root),
                    remedy="download it again, or name the unpacked folder as dataset.root",
                ) from error
            self._local.archive = archive
        return archive

    def names(self) -> list[str]:
        return sorted(self._entries)

    def open(self, name: str) -> IO[bytes]:
        return self._archive().open(self._entries[name])

    def stamp(self, name: str) -> str:
        entry = self._entries[name]
        return f"{entry.file_size} {entry.CRC} {entry.date_time}"


def open_source(root: str | Path) -> Source:
    """Open a folder, a ``.zip``, or a single file (as the one file of its folder).

    Raises:
        SegkitError: nothing is there, or it is neither a folder nor an archive.
    """
    path = Path(root).expanduser()
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = f" ({did_you_mean(path.name, beside)})" if beside else ""
        raise SegkitError(
            "the data set is not there",
            where=f"dataset.root={path}",
            remedy=f"name the folder or the zip that holds it: dataset.root=PATH{hint}",
        )
    if zipfile.is_zipfile(path) and path.suffix.lower() != ".npz":
        return ZipSource(path)
    raise SegkitError(
        "neither a folder nor a zip archive",
        where=f"dataset.root={path}",
        remedy="name the folder or the .zip that holds the data set",
    )


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part in _LITTER or part.startswith(".") for part in parts)
