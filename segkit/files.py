"""Files that appear whole or not at all."""

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segkit.errors import SegkitError

# The disk is full, the quota is used up, the file may grow no more, the disk became read-only.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
# The names that mkstemp gives: a dot, the file's own name, eight characters, its suffix.
_UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}(\.[A-Za-z0-9]+)?")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; on success it is synced and renamed to ``path``.

    The temporary name keeps the suffix, by which many writers choose their format. When the
    block raises, the temporary file is removed and ``path`` is left as it was.

    Raises:
        SegkitError: the folder cannot be written to, or the disk is full.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix
        )
    except OSError as error:
        raise _cannot_write(target, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise _cannot_write(target, error) from error
        raise


class CannotWriteError(SegkitError):
    """There is no room, or no right to write; where else to write depends on the command."""


def _cannot_write(target: Path, error: OSError) -> SegkitError:
    return CannotWriteError(
        f"cannot write here: {error.strerror}",
        where=str(target),
        remedy="make room on this disk, or name a folder that you may write to",
    )


def remove_unfinished(folder: Path) -> None:
    """Remove what :func:`atomic_path` left in a folder and those below it when it was killed."""
    for path in folder.rglob(".*"):
        if _UNFINISHED.fullmatch(path.name) and path.is_file():
            with suppress(OSError):
                path.unlink()


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write so that ``path`` holds either what it held or all of ``data``."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text so that ``path`` holds either the old text or all of the new."""
    write_bytes(path, text.encode("utf-8"))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    # The only way to read it is to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
