"""How much memory there is, and the refusal of what would need more.

The kernel ends a process that takes too much without a word; whoever can foresee a need asks here
first. Of what can be reclaimed (cached files, a memory map's pages) nothing is counted as taken.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path

from segkit.core.errors import SegkitError
from segkit.core.heap import kept

# Bytes that are taken without asking.
_LITTLE = 2**26
# Of what is available, for work in several threads: not all that it takes is foreseen.
_SHARE = 0.7
# Of what a piece of work takes, what is left of it as a result.
_RESULT = 0.4
_thread = threading.local()
_MEMINFO, _STATUS, _CGROUP = "/proc/meminfo", "/proc/self/status", "/proc/self/cgroup"
_GROUPS, _SHARED = "/sys/fs/cgroup", "/dev/shm"  # noqa: S108  # where loader processes hand over
# Where each version of the kernel's control groups keeps its limit, its use, and how much of
# that use are files.
_V2 = ("", "memory.max", "memory.current", ("active_file", "inactive_file"))
_V1 = (
    "memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_active_file", "total_inactive_file"),
)


def available() -> int | None:
    """Bytes that this process may still take without swapping; None where no one tells.

    A container, a job of SLURM or a systemd slice may be allowed less than the machine has:
    the limits of its control group (v1 and v2) and of all groups above count too.
    """
    known = [1024 * kilobytes] if (kilobytes := _figure(_MEMINFO, "MemAvailable:")) else []
    for folder, (_, limit, used, files) in _groups():
        with suppress(OSError, ValueError):  # "max" is no number
            most = int((folder / limit).read_text(encoding="utf-8"))
            taken = int((folder / used).read_text(encoding="utf-8"))
            taken -= sum(_figure(str(folder / "memory.stat"), name) for name in files)
            known.append(max(0, most - max(0, taken)))
    return min(known) + kept() if known else None


def resident() -> int:
    """Bytes that this process holds now; 0 where no one tells."""
    return 1024 * _figure(_STATUS, "VmRSS:")


def most_held() -> int:
    """The most bytes that this process has held; 0 where no one tells."""
    return 1024 * _figure(_STATUS, "VmHWM:")


def shared() -> int | None:
    """Bytes free in the memory through which loader processes hand batches over, or None."""
    with suppress(OSError):
        found = os.statvfs(_SHARED)
        return found.f_bavail * found.f_frsize
    return None


def require(needed: int, what: str, *, where: str, remedy: str) -> None:
    """Refuse what memory does not hold.

    Args:
        needed: bytes, beside what this process holds already.
        what: needs them, such as ``a training step``.
        where: for the error.
        remedy: for the error.

    Raises:
        SegkitError: with both figures.
    """
    free = available()
    if free is not None and needed > free:
        raise SegkitError(
            f"{what} needs about {gib(needed)} of memory, and {gib(free)} are available",
            where=where,
            remedy=remedy,
        )


def take(needed: int, what: str, *, where: str, remedy: str) -> None:
    """Wait for this thread's turn to take so much, where it has one; refuse what is not there.

    Raises:
        SegkitError: as :func:`require`.
    """
    if needed < _LITTLE:
        return
    queue: MemoryQueue | None = getattr(_thread, "queue", None)
    if queue is not None:
        queue.wait(_thread.number, needed)
    require(needed, what, where=where, remedy=remedy)


@contextmanager
def without_turns() -> Iterator[None]:
    """Take nothing in turn: who holds a lock would wait for an older one that waits for it."""
    queue, _thread.queue = getattr(_thread, "queue", None), None
    try:
        yield
    finally:
        _thread.queue = queue


class MemoryQueue:
    """Pieces of work in several threads that share the memory there is.

    Each takes what it needs while it is worked on, and a part of it until it is ended: its result.
    Where there is too little, the oldest waits for those that are being worked on alone, so that
    all end in the order in which they were begun.
    """

    def __init__(self) -> None:
        free = available()
        self._room = None if free is None else _SHARE * free
        self._changed = threading.Condition()
        self._taken: dict[int, int] = {}
        self._working: set[int] = set()
        self._closed = False

    def close(self) -> None:
        """Nobody takes the results any more: who waits gives up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def begin(self, number: int) -> None:
        """A piece of work is there; numbers rise."""
        with self._changed:
            self._taken[number] = 0

    def end(self, number: int) -> None:
        """What it has taken is free again."""
        with self._changed:
            del self._taken[number]
            self._changed.notify_all()

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """What this thread takes, it takes for this piece."""
        _thread.queue, _thread.number = self, number
        try:
            yield
        finally:
            _thread.queue = None
            with self._changed:
                self._working.discard(number)
                self._taken[number] = int(_RESULT * self._taken[number])
                self._changed.notify_all()

    def wait(self, number: int, needed: int) -> None:
        """Until so much is free; the largest need of a piece counts, not their sum.

        Raises:
            CancelledError: nobody takes the results any more.
        """

        def mine() -> bool:
            others = sum(self._taken.values()) - self._taken[number]
            if (
                self._closed
                or self._room is None
                or others + needed <= self._room
                or number in self._working
            ):
                return True
            return number == min(self._taken) and not self._working

        with self._changed:
            self._changed.wait_for(mine)
            if self._closed:
                raise CancelledError
            self._working.add(number)
            self._taken[number] = max(self._taken[number], needed)


def gib(count: int) -> str:
    """Bytes in words, ``3.1 GiB``."""
    return f"{count / 2**30:.1f} GiB"


def _figure(path: str, name: str) -> int:
    """The number that follows a name at the beginning of a line; 0 where there is none."""
    with suppress(OSError, ValueError):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            if line.split(maxsplit=1)[:1] == [name]:
                return int(line.split()[1])
    return 0


def _groups() -> Iterator[tuple[Path, tuple[str, str, str, tuple[str, str]]]]:
    """Folders of this process's control groups and of those above, each with its files' names."""
    lines: list[str] = []
    with suppress(OSError):
        lines = Path(_CGROUP).read_text(encoding="utf-8").splitlines()
    for line in lines:
        _, _, rest = line.partition(":")
        kinds, _, group = rest.partition(":")
        if kinds and "memory" not in kinds.split(","):
            continue
        version = _V1 if kinds else _V2
        root = Path(_GROUPS) / version[0]
        own = root / group.lstrip("/")
        # Seen from within a container, the name may be the one outside; the root is then its own.
        for folder in dict.fromkeys((own, *own.parents, root)):
            if folder.is_relative_to(root):
                yield folder, version
