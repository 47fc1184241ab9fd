"""Files opened ahead of the network, and small images gathered that it answers together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED
from segkit.core.planes import PLAIN, Planes
from segkit.imaging import bands
from segkit.imaging.intensity import Rule
from segkit.inference.names import Input

if TYPE_CHECKING:
    from segkit.inference.predictor import Predictor

Opened = tuple[Input, Future[bands.Opened]]
# Of images that wait to be predicted, and of a group: they, and what is found, are in memory.
_PIXELS = 2**24


class Answer(NamedTuple):
    """What the networks say of one image.

    Attributes:
        outputs: (K, H, W) float32.
        seconds: that it took; of a group, its share.
    """

    outputs: NDArray[np.float32]
    seconds: float


def open_ahead(
    inputs: Sequence[Input],
    large: int,
    most: Callable[[], int],
    rule: Rule = STORED,
    *,
    planes: Planes = PLAIN,
) -> Generator[Opened, None, None]:
    """Open each file in a thread, ahead of the one that is worked on.

    Args:
        inputs: in the order in which they are given back.
        large: pixels above which a TIFF is read by rows.
        most: how many may wait; nothing more is opened either while 16 megapixels wait.
        rule: of intensities.
        planes: which of a file's many are the image.
    """
    waiting: deque[Opened] = deque()
    changed, stopped = threading.Condition(), threading.Event()

    def room() -> bool:
        held = sum(_pixels(image) for _, image in waiting)
        return stopped.is_set() or (len(waiting) < max(1, most()) and held < _PIXELS)

    def work() -> None:
        for one in inputs:
            with changed:
                changed.wait_for(room)
            if stopped.is_set():
                return
            image: Future[bands.Opened] = Future()
            try:
                image.set_result(one.open(large, rule, planes=planes))
            except BaseException as error:  # for whoever asks for the image
                image.set_exception(error)
            with changed:
                waiting.append((one, image))
                changed.notify_all()

    # In this context, whose bound on images it keeps to.
    reader = threading.Thread(target=copy_context().run, args=(work,), name="reader", daemon=True)
    reader.start()
    try:
        for _ in inputs:
            with changed:
                changed.wait_for(lambda: waiting)
                opened = waiting.popleft()
                changed.notify_all()
            yield opened
    finally:
        with changed:
            stopped.set()
            changed.notify_all()
        reader.join()  # the file that it has begun


def grouped(
    files: Iterable[Opened], most: Callable[[], int], whole: Callable[[tuple[int, int]], bool]
) -> Iterator[list[Opened]]:
    """Neighbours that are answered together; what is not is a group of its own.

    Args:
        files: in the order in which they are predicted.
        most: images in a group.
        whole: whether an image of so many rows and columns is predicted whole.
    """
    group: list[Opened] = []
    pixels = 0
    for one, image in files:
        # The slices of a volume are answered together, alone.
        small = image.exception() is None and not one.mask and whole(image.result().size)
        if group and not (small and pixels + _pixels(image) <= _PIXELS):
            yield group
            group, pixels = [], 0
        group, pixels = [*group, (one, image)], pixels + _pixels(image)
        if not small or len(group) >= most():
            yield group
            group, pixels = [], 0
    if group:
        yield group


def _pixels(image: Future[bands.Opened]) -> int:
    if image.exception() is not None:
        return 0  # whoever asks for it learns why
    rows, columns = image.result().size
    return rows * columns


def ask_together(predictor: Predictor, group: Sequence[Opened], tta: str) -> dict[Input, Answer]:
    """Answers to a group of whole images; none where they are to be asked for one by one.

    Where memory does not hold the group, the next ones are of half as many.
    """
    if len(group) == 1:
        return {}
    started = time.perf_counter()
    opened = {one: image.result() for one, image in group}
    try:
        found = predictor.whole([image.rows(0, image.size[0]) for image in opened.values()], tta)
    except SegkitError:
        return {}  # of other channels, say: one by one it shows which
    except (MemoryError, RuntimeError):
        predictor.halve()
        return {}  # one by one they may fit, or it shows whose fault it is
    share = (time.perf_counter() - started) / len(group)
    return {one: Answer(outputs, share) for one, outputs in zip(opened, found, strict=True)}
