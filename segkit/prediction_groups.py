"""Files opened ahead of the network, and small images gathered that it answers together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segkit.errors import SegkitError
from segkit.rows import Rows, open_rows

if TYPE_CHECKING:
    from segkit.predictor import Predictor

Opened = tuple[Path, Future[Rows]]
_AHEAD = 4  # files
_PIXELS = 2**24  # of a group: its images, and what is found in them, are all in memory


class Answer(NamedTuple):
    """What the networks say of one image.

    Attributes:
        logits: (K, H, W) float32.
        seconds: that it took; of a group, its share.
    """

    logits: NDArray[np.float32]
    seconds: float


def open_ahead(paths: Sequence[Path], large: int) -> Iterator[Opened]:
    """Open each file in a thread, some ahead of the one that is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming: deque[Opened] = deque()
        for path in paths:
            coming.append((path, pool.submit(open_rows, path, large)))
            if len(coming) > _AHEAD:
                yield coming.popleft()
        yield from coming


def grouped(
    files: Iterable[Opened], most: int, whole: Callable[[tuple[int, int]], bool]
) -> Iterator[list[Opened]]:
    """Neighbours that are answered together; what is not is a group of its own.

    Args:
        files: in the order in which they are predicted.
        most: images in a group.
        whole: whether an image of so many rows and columns is predicted whole.
    """
    group: list[Opened] = []
    pixels = 0
    for path, image in files:
        size = _size(image)
        if size and whole(size):
            group.append((path, image))
            pixels += size[0] * size[1]
            if len(group) < most and pixels < _PIXELS:
                continue
        if group:
            yield group
        if not (size and whole(size)):
            yield [(path, image)]
        group, pixels = [], 0
    if group:
        yield group


def _size(image: Future[Rows]) -> tuple[int, int] | None:
    try:
        return image.result().size
    except (SegkitError, MemoryError, RuntimeError):
        return None  # whoever asks again tells why


def ask_together(predictor: Predictor, group: Sequence[Opened], tta: str) -> dict[Path, Answer]:
    """Answers to a group of whole images; none where they are to be asked for one by one."""
    if len(group) == 1:
        return {}
    started = time.perf_counter()
    opened = {path: image.result() for path, image in group}
    try:
        found = predictor.whole([image.rows(0, image.size[0]) for image in opened.values()], tta)
    except (MemoryError, RuntimeError):
        return {}  # one by one they may fit, or it shows whose fault it is
    share = (time.perf_counter() - started) / len(group)
    return {path: Answer(logits, share) for path, logits in zip(opened, found, strict=True)}
