"""tifffile's log, silent while segkit reads: it tells of each odd tag without the file's name."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
_readers: list[int] = []


@contextmanager
def without_tifffile_log() -> Iterator[None]:
    """Keep tifffile from logging in this thread; what matters is raised, by it or by segkit.

    The logger itself is the user's: the filter leaves it with the last thread that reads.
    """
    logger, before = logging.getLogger("tifffile"), getattr(_silence.depth, "now", 0)
    with _lock:
        _readers.append(1)
        logger.addFilter(_silence)
    _silence.depth.now = before + 1
    try:
        yield
    finally:
        _silence.depth.now = before
        with _lock:
            _readers.pop()
            if not _readers:
                logger.removeFilter(_silence)
