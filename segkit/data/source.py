"""Where the files of a data set lie; archives: :mod:`segkit.data.archives`."""

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes
from segkit.core.stamps import UNREADABLE, checksum, file_stamp, folder_checksum, folder_stamp
from segkit.imaging.formats.zarr import is_zarr, open_folder

# In lower case: of macOS, Windows, network disks of Synology and QNAP, and ext4.
_LITTER = {
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin"),
    *("system volume information", "@eadir", "#recycle", "lost+found"),
}


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
        if is_zarr(path):
            return open_folder(path)
        # Opening a pipe waits for its other end; a device has no end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("neither a file nor a link to one")
        return path.open("rb")

    def size(self, name: str) -> int:
        return (self.root / name).stat().st_size

    def _read(self, stream: IO[bytes], name: str, size: int) -> bytes:
        # The size of a folder is not that of what stands for it, which is bounded already.
        return stream.read() if is_zarr(self.root / name) else super()._read(stream, name, size)

    def stamp(self, name: str) -> str:
        path = self.root / name
        return folder_stamp(path) if is_zarr(path) else file_stamp(path)

    def checksum(self, name: str) -> str:
        try:
            if is_zarr(self.root / name):
                return folder_checksum(self.root / name)
            with self.open(name) as stream:
                return checksum(stream)
        except OSError:
            return UNREADABLE


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder below ``root`` with the names of its files, each once, links followed.

    An OME-Zarr is a file of its folder. Links that lead in circles, or to a folder that ``root``
    lies in, are not followed.
    """
    own, seen = os.path.realpath(root), set()
    # Data often lies behind a linked folder, which Path.rglob does not follow.
    for folder, below, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen or (real != own and own.startswith(real.rstrip("/") + "/")):
            below.clear()
            continue
        seen.add(real)
        images = [name for name in below if is_zarr(Path(folder, name))]
        below[:] = [name for name in below if name not in images]
        yield Path(folder), files + images


def is_litter(name: str) -> bool:
    """Whether a file is hidden, or left behind by an operating system."""
    return any(part.lower() in _LITTER or part[0] == "." for part in PurePosixPath(name).parts)
