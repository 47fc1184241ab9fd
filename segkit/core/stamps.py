"""What a file is known again by: a stamp, which costs nothing, and a checksum of its content."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

UNREADABLE = "unreadable"
_BLOCK = 2**20


def file_stamp(path: Path) -> str:
    """What changes whenever a file does, though nothing of it is read.

    It is of size, time of writing, time of change and the file's own number. Tools that keep the
    time of writing (``cp -p``, ``rsync -a``) cannot set the time of change; two folders that are
    swapped change neither, but hold other files. Touched and copied files have another one, too.
    """
    # Otherwise a cache would keep reporting a file that has been made readable since.
    if not os.access(path, os.R_OK):
        return UNREADABLE
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def checksum(stream: IO[bytes]) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of all that a stream has."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()[:16]


def folder_stamp(folder: Path) -> str:
    """:func:`file_stamp` of all files in a folder together."""
    return _digest((name, file_stamp(path).encode()) for name, path in _below(folder))


def folder_checksum(folder: Path) -> str:
    """:func:`checksum` of all files in a folder together, and of their names.

    Raises:
        OSError: one cannot be read.
    """

    def told(path: Path) -> bytes:
        with path.open("rb") as stream:
            return checksum(stream).encode()

    return _digest((name, told(path)) for name, path in _below(folder))


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, told in parts:
        digest.update(os.fsencode(name) + b"\0" + told + b"\0")
    return digest.hexdigest()[:16]
