"""A zip archive as a data set: nothing is unpacked."""

import os
import threading
import weakref
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from segkit.core.errors import SegkitError
from segkit.data.source import Source, is_litter
from segkit.data.unpacking import seven_zip

# bzip2 and LZMA unpack all that they are fed; four kilobytes become a hundred megabytes at most.
_FEED = 4096
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# What Windows takes for archives above 2 GB comes first.
_NOT_READ = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
_ENCRYPTED, _UTF8 = 0x1, 0x800


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
            name: entry
            for name, entry in _named(self._archive().infolist())
            if name and not name.endswith("/") and not is_litter(name)
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
            stream = self.root.open("rb")
            try:
                archive = zipfile.ZipFile(stream)
            except Exception as error:  # a damaged index raises more than BadZipFile
                stream.close()
                raise SegkitError(
                    f"the archive is damaged or not a zip file: {error}",
                    where=str(self.root),
                    remedy="fetch it again, or name the folder that it was unpacked to",
                ) from error
            # Closed, whatever circle of references it ends in.
            weakref.finalize(archive, stream.close)
            self._local.archive = archive
        return archive

    def names(self) -> list[str]:
        return sorted(self._entries)

    def open(self, name: str) -> IO[bytes]:
        entry = self._entries[name]
        method = _NOT_READ.get(entry.compress_type, f"method {entry.compress_type}")
        if entry.compress_type not in _READ or entry.flag_bits & _ENCRYPTED:
            packed = "encrypted" if entry.compress_type in _READ else f"packed by {method}"
            raise SegkitError(
                f"a member of a zip that is {packed}, which cannot be read in place",
                where=self.where(name),
                remedy=seven_zip(self.root),
            )
        return self._archive().open(entry)

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


def _named(entries: Iterable[zipfile.ZipInfo]) -> list[tuple[str, zipfile.ZipInfo]]:
    """Entries with their names as POSIX paths.

    Old tools on Windows part folders by backslashes. A Mac writes UTF-8 and does not say so.
    """
    found = [(_text(entry), entry) for entry in entries]
    slashes = any("/" in name for name, _ in found)
    return [
        (name.replace("\\", "/") if entry.create_system == 0 or not slashes else name, entry)
        for name, entry in found
    ]


def _text(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & _UTF8 or entry.filename.isascii():
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename
