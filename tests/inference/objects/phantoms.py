"""Label images with what goes wrong, and masks of rings by a second implementation."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]


def _empty() -> Labels:
    return np.zeros((24, 31), np.int32)


def holes() -> Labels:
    labels = _empty()
    labels[2:14, 3:17] = 5
    labels[4:7, 5:9] = 0
    labels[5, 6] = 9  # an object in another's hole
    labels[9:12, 6:8] = labels[8, 8] = labels[7, 9] = 0  # holes that meet at corners
    return labels


def open_at_a_corner() -> Labels:
    """Background enclosed but for a corner, at which the outline meets itself."""
    labels = _empty()
    labels[4:9, 4:9] = 2
    labels[5:8, 5:8] = 0
    labels[4, 4] = 0
    labels[8, 8] = labels[7, 7] = 0
    return labels


def touching() -> Labels:
    labels = _empty()
    labels[3:12, 3:9] = 1
    labels[3:12, 9:15] = 2
    labels[12:16, 5:12] = 3
    return labels


def diagonal() -> Labels:
    """Two objects that share a corner, and one whose own pixels do."""
    labels = _empty()
    labels[2:5, 2:5], labels[5:8, 5:8] = 1, 2
    for step in range(5):
        labels[10 + step, 10 + step] = 3
        labels[14 - step, 20 + step] = 4
    return labels


def disconnected() -> Labels:
    labels = _empty()
    labels[0:2, 0:2] = labels[20:24, 28:31] = labels[10, 15] = 70_000
    labels[4:9, 4:9] = 3
    labels[6, 6] = 0
    labels[6, 20] = 3
    return labels


def one_pixel() -> Labels:
    labels = _empty()
    labels[0, 0], labels[23, 30], labels[11, 12], labels[11, 13] = 1, 2, 3, 2**31 - 1
    return labels


def at_the_edges() -> Labels:
    labels = _empty()
    labels[0, :], labels[-1, 3:9], labels[5:20, 0], labels[5:20, -1] = 1, 2, 3, 4
    labels[18:, 20:22] = 5
    return labels


def full() -> Labels:
    return np.full((24, 31), 7, np.int32)


def nothing() -> Labels:
    return _empty()


def noise() -> Labels:
    random = np.random.default_rng(0)
    return random.choice(np.array([0, 1, 2, 40, 900_000], np.int32), (61, 43))


def seventy_thousand() -> Labels:
    """One-pixel objects and pairs, no two of them alike in place."""
    labels = np.zeros((531, 533), np.int32)
    labels[::2, ::2] = np.arange(1, 266 * 267 + 1).reshape(266, 267)
    labels[1::2, ::4] = labels[:-1:2, ::4]
    return labels


PHANTOMS: list[Callable[[], Labels]] = [
    holes,
    open_at_a_corner,
    touching,
    diagonal,
    disconnected,
    one_pixel,
    at_the_edges,
    full,
    nothing,
    noise,
]


def fill(rings: Sequence[NDArray[Any]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centres an odd number of vertical edges lies left of."""
    crossed = np.zeros((shape[0], shape[1] + 1), np.int64)
    for ring in rings:
        corners = np.asarray(ring)
        assert (corners == np.rint(corners)).all()
        corners = corners.astype(int)
        for (x, y), (x_next, y_next) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            assert x == x_next or y == y_next
            if x == x_next:
                crossed[min(y, y_next) : max(y, y_next), x] += 1
    return (np.cumsum(crossed, axis=1)[:, :-1] % 2).astype(bool)
