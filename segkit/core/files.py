"""Files that appear whole or not at all, and what is left of those whose writer was killed."""

import errno
import fcntl
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segkit.core.errors import SegkitError

# The disk is full, the quota is used up, the file may grow no more, the disk became read-only.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_MARK = ".segkit-"
# A dot, what the file is called (as far as there is room), the mark, eight characters, its suffix.
_UNFINISHED = re.compile(rf"\..*{re.escape(_MARK)}[a-z0-9_]{{8}}(\.[A-Za-z0-9]+)?")
_ROOM = 40  # characters, of four bytes at most: names have 255
# Folders that this process has written to, and swept first.
_swept: set[Path] = set()
# That are being written by this process.
_begun: set[Path] = set()


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; on success it is synced and renamed to ``path``.

    The temporary name keeps the suffix, by which many writers choose their format. When the
    block raises, the temporary file is removed and ``path`` is left as it was. Before it writes
    into a folder for the first time, a process removes what killed ones have left there.

    A temporary name is given back as it is: whatever writes a file whole can write a part of what
    appears later.

    Raises:
        SegkitError: the folder cannot be written to, the disk is full, or the name is too long.
    """
    target = Path(path)
    if target in _begun:
        yield target
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            target.lstat()  # a name too long is reported before the work is done
        _sweep_once(target.parent)
        handle, temporary = _unfinished(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    _begun.add(temporary)
    try:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise cannot_write(target, error) from error
        raise
    finally:
        _begun.discard(temporary)
        os.close(handle)


def _unfinished(target: Path) -> tuple[int, Path]:
    """A new file beside ``target``, locked for as long as this process lives or holds it open."""
    while True:
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem[:_ROOM]}{_MARK}", suffix=target.suffix
        )
        with suppress(OSError):  # a disk that knows no locks is never swept
            fcntl.flock(handle, fcntl.LOCK_EX)
        path = Path(name)
        if path.exists():
            return handle, path
        os.close(handle)  # swept between the two steps


class CannotWriteError(SegkitError):
    """There is no room, or no right to write; where else to write depends on the command."""


def cannot_write(target: Path, error: OSError) -> SegkitError:
    """What to raise where a file cannot be written."""
    what, where = f"cannot write here: {error.strerror}", str(target)
    if error.errno == errno.ENAMETOOLONG:
        remedy = "shorten the name that it is made of, or name a folder with a shorter path"
        return SegkitError(what, where=where, remedy=remedy)
    remedy = "make room on this disk, or name a folder that you may write to"
    return CannotWriteError(what, where=where, remedy=remedy)


def _sweep_once(folder: Path) -> None:
    if (folder := folder.absolute()) not in _swept:
        _swept.add(folder)
        with suppress(OSError):  # it may be written to, but not listed
            _sweep(folder.iterdir())


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left in a folder and those below it, whoever writes there now.

    A file whose writer lives is locked by it, and kept.
    """
    _sweep(folder.rglob(f".*{_MARK}*"))


def _sweep(paths: Iterable[Path]) -> None:
    for path in paths:
        if not _UNFINISHED.fullmatch(path.name) or path.is_symlink() or not path.is_file():
            continue
        with suppress(OSError), path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
