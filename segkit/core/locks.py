"""One process at a time, on disks that know locks; and what is said of those that do not."""

import errno
import glob
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

log = logging.getLogger(__name__)

# Lustre without -o flock, NFS without its lock service, some of FUSE.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
_MAY_NOT_WRITE = (errno.EROFS, errno.EACCES, errno.EPERM)
_BEGUN = ".building"
_told: set[Path] = set()


@contextmanager
def waited_for(path: Path) -> Iterator[bool]:
    """Wait until no other process is between here and the end of the block.

    The kernel lets go of such a lock when its process ends, on whatever host. A file whose
    existence is the lock would outlive a process that is killed on another one.

    Args:
        path: of the lock file.

    Yields:
        Whether others are kept out. They are not where the disk knows no locks, which is said, or
        may not be written to: several may then do the same at once, and the block must bear it.
    """
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire()
    except OSError as error:
        if error.errno in NO_LOCKS:
            tell_once(path.parent, "processes that prepare the same data at once each do the work")
        elif error.errno not in _MAY_NOT_WRITE:
            raise
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def folder_begun(target: Path, *, alone: bool) -> Iterator[Path]:
    """A new folder beside ``target``, to be renamed to it when complete; else it is removed.

    Args:
        target: what is built.
        alone: whether others are kept out: what they have begun was left by killed ones.
    """
    # No more than of this target: another's name may begin with its own.
    name = glob.escape(f".{target.name}")
    for ending in ("", "-" + 12 * "[0-9a-f]") if alone else ():
        for left in target.parent.glob(f"{name}{ending}{_BEGUN}"):
            shutil.rmtree(left, ignore_errors=True)
    begun = target.with_name(f".{target.name}-{uuid4().hex[:12]}{_BEGUN}")
    begun.mkdir()
    try:
        yield begun
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def tell_once(folder: Path, lost: str) -> None:
    """Say what is lost on a disk that knows no locks."""
    if folder not in _told:
        _told.add(folder)
        log.warning("%s: the disk knows no locks; %s", folder, lost)
