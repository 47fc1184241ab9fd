"""Parts of one scene: a tile inside a larger image, crops or photographs that overlap.

Every image is marked where it stands out most (the peaks of a difference of Gaussians), and each
mark is described by the small patch around it, brightness and contrast taken out. A crop has the
marks of its picture, shifted. Images whose marks agree on one shift are read once more, and show
one scene where the detail of the pixels that they have in common correlates. What was turned or
rescaled is not found, and of crops below some 150 pixels a side not each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.audit.placement import Placement
from segkit.imaging.pixels import to_channels

# Of the detail in common: crops have 1, whatever the brightness, as JPEG 0.95, two photographs of
# the same cells 0.88; radiographs of different people, laid upon each other, 0.79 and less.
LEAST_CORRELATION = 0.85
_CLOSE = 0.7  # from which on the eight shifts around are tried, too
# How alike two marks are, and how many agree on a shift before the images are read once more.
_ALIKE, _VOTES = 0.98, 2
# Marks of all images that are compared, the strongest of each: time grows with the square.
_MARKS = 60_000
_MOST = 256  # of an image
_PAIRS = 500  # of images, that are read once more
# Half a patch, in pixels; peaks are no nearer to each other.
_REACH, _CELLS = 12, 8
# A crop lacks what the blur near its border is of.
_EDGE = 14
# Grey levels of 255: noise on a dark ground has fainter peaks.
_FAINT = 1.0
_LEAST_SIDE = 32
_BLOCK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Where an image stands out, the strongest first.

    Attributes:
        places: (M, 2) int32, row and column.
        codes: (M, 64) int8, the patch around each, of length 127.
    """

    places: NDArray[np.int32]
    codes: NDArray[np.int8]


def mark(image: NDArray[np.uint8]) -> Marks:
    """The marks of one picture, (H, W) or (H, W, C) uint8; 72 bytes a mark, 256 at most."""
    fine, coarse = _blurred(to_channels(image, 1)[..., 0])
    strength = np.abs(fine - coarse)
    window = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    peaks = (strength >= cv2.dilate(strength, window)) & (strength > _FAINT)
    inside = np.zeros_like(peaks)
    inside[_EDGE:-_EDGE, _EDGE:-_EDGE] = True
    rows, columns = np.nonzero(peaks & inside)
    order = np.argsort(-strength[rows, columns], kind="stable")[:_MOST]
    places = np.stack([rows[order], columns[order]], axis=1).astype(np.int32)
    if not len(places):
        return Marks(places, np.zeros((0, _CELLS**2), np.int8))
    patches = np.stack([fine[r - _REACH : r + _REACH, c - _REACH : c + _REACH] for r, c in places])
    side = 2 * _REACH // _CELLS
    cells = (
        patches.reshape(-1, _CELLS, side, _CELLS, side).mean(axis=(2, 4)).reshape(len(places), -1)
    )
    cells -= cells.mean(axis=1, keepdims=True)
    cells *= 127 / np.maximum(np.linalg.norm(cells, axis=1, keepdims=True), 1e-6)
    return Marks(places, np.rint(cells).astype(np.int8))


def find_overlaps(
    marks: Sequence[Marks],
    pictures: Callable[[int, int], Sequence[NDArray[np.uint8]]],
    *,
    wanted: Callable[[int, int], bool] = lambda first, second: True,  # noqa: ARG005
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> list[Placement]:
    """All pairs of images that show a part of one scene, in order of position.

    Args:
        marks: of the images.
        pictures: reads two images, by position.
        wanted: whether it would be told; what would not is not read.
        watch: iterates over the blocks of the search, for a progress bar.
    """
    votes = _shifts(marks, watch)
    likely: dict[tuple[int, int], tuple[int, int]] = {}
    for (first, second, row, column), count in votes.most_common():
        if count < _VOTES or len(likely) == _PAIRS:
            break
        if wanted(first, second):
            likely.setdefault((first, second), (row, column))
    found = []
    for (first, second), shift in likely.items():
        one, other = pictures(first, second)
        correlation, row, column = _best_shift(one, other, *shift)
        if correlation >= LEAST_CORRELATION:
            placed = Placement(first, second, row, column, adjoins=False, correlation=correlation)
            found.append(placed)
    return sorted(found, key=lambda placed: (placed.first, placed.second))


def _shifts(
    marks: Sequence[Marks], watch: Callable[[Sequence[int]], Iterable[int]]
) -> Counter[tuple[int, int, int, int]]:
    """By two images, and row and column of the second's corner in the first: marks that agree."""
    most = max(1, _MARKS // max(len(marks), 1))
    votes: Counter[tuple[int, int, int, int]] = Counter()
    if not marks:
        return votes
    owners = np.concatenate([np.full(min(len(m.places), most), i) for i, m in enumerate(marks)])
    places = np.concatenate([m.places[:most] for m in marks])
    codes = np.concatenate([m.codes[:most] for m in marks]).astype(np.float32)
    codes /= np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1)
    for number in watch(range(-(-len(codes) // _BLOCK))):
        start = number * _BLOCK
        alike = codes[start : start + _BLOCK] @ codes[start:].T
        ones, others = (found + start for found in np.nonzero(alike >= _ALIKE))
        apart = owners[ones] < owners[others]
        ones, others = ones[apart], others[apart]
        shifts = places[ones] - places[others]
        votes.update(
            zip(*(v.tolist() for v in (owners[ones], owners[others], *shifts.T)), strict=True)
        )
    return votes


def _best_shift(
    one: NDArray[np.uint8], other: NDArray[np.uint8], row: int, column: int
) -> tuple[float, int, int]:
    """The shift, or one beside it, that fits best, after how well it does."""
    found = (_in_common(one, other, row, column), row, column)
    if found[0] < _CLOSE:
        return found
    around = [(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max((_in_common(one, other, *shift), *shift) for shift in around)


def _in_common(one: NDArray[np.uint8], other: NDArray[np.uint8], row: int, column: int) -> float:
    """The correlation of the detail that two images have in common; 0 where it is too little."""
    first, second = (to_channels(image, 1)[..., 0] for image in (one, other))
    first = first[max(row, 0) :, max(column, 0) :]
    second = second[max(-row, 0) :, max(-column, 0) :]
    height, width = (min(sides) for sides in zip(first.shape, second.shape, strict=True))
    if min(height, width) < _LEAST_SIDE:
        return 0.0
    blurred = (_blurred(grey[:height, :width]) for grey in (first, second))
    here, there = (fine - coarse for fine, coarse in blurred)
    power = np.sqrt(np.square(here).sum() * np.square(there).sum())
    return min(1.0, float((here * there).sum() / power)) if power > 0 else 0.0


def _blurred(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Without noise, and without detail: the difference is a band in between."""
    wide = grey.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(wide, (0, 0), sigma) for sigma in (1.5, 4.0))
    return np.asarray(fine, np.float32), np.asarray(coarse, np.float32)
