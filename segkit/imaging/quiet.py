"""The logs of tifffile, pydicom and highdicom, silent while segkit reads or writes.

They tell of each odd tag without the file's name, and what a tag holds: a patient's, too.
"""

import logging
import re
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress


class _Silence(logging.Filter):
    """Holds back what is told by threads that read for segkit; what others tell passes."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to tell it; a logger asks in the thread that logs."""
        del record
        return not getattr(self.depth, "now", 0)


_silence = _Silence()
_lock = threading.Lock()
# How many read for which package now.
_readers: Counter[str] = Counter()
# As warnings.filterwarnings makes it.
_UNHEARD = ("ignore", None, Warning, re.compile(r"pydicom\b"), 0)


def without_tifffile_log() -> AbstractContextManager[None]:
    """Keep tifffile from logging in this thread; what matters is raised, by it or by segkit."""
    return _without("tifffile")


def without_highdicom_log() -> AbstractContextManager[None]:
    """Keep highdicom from telling what it copies."""
    return _without("highdicom.base")


@contextmanager
def without_pydicom_log() -> Iterator[None]:
    """The same of pydicom, which both logs and warns; its warnings go unheard in all threads."""
    with _lock:
        _readers["warnings"] += 1
        if _UNHEARD not in warnings.filters:
            warnings.filters.insert(0, _UNHEARD)  # type: ignore[attr-defined]
    try:
        # A logger does not ask the filters of those above it.
        with _without("pydicom"), _without("pydicom.pixels.decoders.base"):
            yield
    finally:
        with _lock:
            _readers["warnings"] -= 1
            if not _readers["warnings"]:
                with suppress(ValueError):  # another list has taken that one's place
                    warnings.filters.remove(_UNHEARD)  # type: ignore[attr-defined]


@contextmanager
def _without(name: str) -> Iterator[None]:
    """The logger itself is the user's: the filter leaves it with the last thread that reads."""
    logger, before = logging.getLogger(name), getattr(_silence.depth, "now", 0)
    with _lock:
        _readers[name] += 1
        logger.addFilter(_silence)
    _silence.depth.now = before + 1
    try:
        yield
    finally:
        _silence.depth.now = before
        with _lock:
            _readers[name] -= 1
            if not _readers[name]:
                logger.removeFilter(_silence)
