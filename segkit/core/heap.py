"""Whether the process keeps the memory that it frees, or hands it back to the system."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# Parameters of mallopt: how many blocks are mapped each by itself, of how many bytes at least, and
# how much is handed back; with what glibc comes to once large blocks have been freed.
_MMAP_MAX, _MMAP_FROM, _TRIM_FROM = -4, -3, -1
_OWN = {_MMAP_MAX: 65536, _MMAP_FROM: 2**25, _TRIM_FROM: 2**26}
_keeping = False


class _Info(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


@cache
def _glibc() -> ctypes.CDLL | None:
    """None on other systems, and of glibc before 2.33, which does not tell what it keeps."""
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    if libc is None or not all(hasattr(libc, name) for name in ("mallopt", "mallinfo2")):
        return None
    libc.mallinfo2.restype = _Info
    return libc


@contextmanager
def freed_is_kept() -> Iterator[None]:
    """Within the block, what is freed stays with the process; then all of it is handed back.

    A training step on a CPU frees a gigabyte that the next one takes. glibc left to itself hands
    each large block back at once, and the system clears every page that it gives anew.
    """
    global _keeping  # noqa: PLW0603  # as what it tells of: one a process
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_FROM, -1)
    _keeping = True
    try:
        yield
    finally:
        _keeping = False
        for parameter, value in _OWN.items():
            libc.mallopt(parameter, value)
        hand_back()


def hand_back() -> None:
    """Give the system what was freed: what is taken again unseen is missed where one measures."""
    if libc := _glibc():
        libc.malloc_trim(0)


def kept() -> int:
    """Bytes that were freed and kept, which this process may take without asking the system."""
    libc = _glibc() if _keeping else None
    return 0 if libc is None else int(libc.mallinfo2().fordblks)
