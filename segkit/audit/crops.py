"""Parts of one scene: a tile inside a larger image, crops or photographs that overlap.

Every image is marked where it stands out most (the peaks of a difference of Gaussians), and each
mark is described by the small patch around it, brightness and contrast taken out. A crop has the
marks of its picture, shifted. Images of which a good part of the marks agrees on one shift are read
once more, and show one scene where the detail of the pixels that they have in common correlates.
What was turned or rescaled is not found, and of crops below some 150 pixels a side not each.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.audit.placement import Placement
from segkit.imaging.channels import as_grey

# Of the detail in common: crops have 1, whatever the brightness, as JPEG 0.95, two photographs of
# the same cells 0.88; radiographs of different people, laid upon each other, 0.79 and less.
LEAST_CORRELATION = 0.85
_CLOSE = 0.7  # from which on the eight shifts around are tried, too
# How alike two marks are. Images are read once more where that many agree on a shift, and they are
# many or a good share of those in common.
_ALIKE, _VOTES, _MANY, _SHARE = 0.98, 2, 5, 0.15
# Marks of all images that are compared, the strongest of each: time grows with the square.
_MARKS = 60_000
_MOST = 256  # of an image
_PAIRS = 500  # of images, that are read once more: those on which the most marks agree
# Half a patch, in pixels; peaks are no nearer to each other.
_REACH, _CELLS = 12, 8
# A crop lacks what the blur near its border is of.
_EDGE = 14
# Rows that are blurred at once, and what the peaks among them depend on above and below.
_STRIP, _AROUND = 1024, 40
_MIDDLE = 2048  # rows and columns, at most, of which two images are compared
# Grey levels of 255: noise on a dark ground has fainter peaks.
_FAINT = 1.0
_LEAST_SIDE = 32
_BLOCK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Where an image stands out, the strongest first.

    Attributes:
        size: height and width of the image.
        places: (M, 2) int32, row and column.
        codes: (M, 64) int8, the patch around each, of length 127.
    """

    size: tuple[int, int]
    places: NDArray[np.int32]
    codes: NDArray[np.int8]

    def shared(self, other: "Marks", row: int, column: int) -> int:
        """How many of the marks lie in another image, whose corner is at this row and column."""
        inside = self.places - (row, column)
        return int(((inside >= 0) & (inside < other.size)).all(axis=1).sum())


def mark(image: NDArray[np.uint8]) -> Marks:
    """The marks of one picture, (H, W) or (H, W, C) uint8; 72 bytes a mark, 256 at most."""
    grey = as_grey(image)
    found = [_peaks(grey, top) for top in range(0, len(grey), _STRIP)]
    strength, places, codes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    strongest = np.argsort(-strength, kind="stable")[:_MOST]
    return Marks((grey.shape[0], grey.shape[1]), places[strongest], codes[strongest])


def _peaks(
    grey: NDArray[np.uint8], top: int
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int8]]:
    """Strengths, places and codes of the marks in the strip of rows that begins at ``top``."""
    start = max(0, top - _AROUND)
    fine, coarse = _blurred(grey[start : top + _STRIP + _AROUND])
    strength = np.abs(fine - coarse)
    window = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    peaks = (strength >= cv2.dilate(strength, window)) & (strength > _FAINT)
    rows, columns = np.nonzero(peaks)
    height, width = grey.shape
    kept = (rows + start >= max(top, _EDGE)) & (rows + start < min(top + _STRIP, height - _EDGE))
    kept &= (columns >= _EDGE) & (columns < width - _EDGE)
    rows, columns = rows[kept], columns[kept]
    places = np.stack([rows + start, columns], axis=1).astype(np.int32)
    side = 2 * _REACH // _CELLS
    codes = np.zeros((len(places), _CELLS, _CELLS), np.float32)
    for code, row, column in zip(codes, rows, columns, strict=True):
        patch = fine[row - _REACH : row + _REACH, column - _REACH : column + _REACH]
        code[:] = patch.reshape(_CELLS, side, _CELLS, side).mean(axis=(1, 3))
    flat = codes.reshape(len(places), _CELLS**2)
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat *= 127 / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return strength[rows, columns], places, np.rint(flat).astype(np.int8)


def find_overlaps(
    marks: Sequence[Marks],
    pictures: Callable[[int, int], Sequence[NDArray[np.uint8]]],
    *,
    wanted: Callable[[int, int], bool] | None = None,
) -> list[Placement]:
    """All pairs of images that show a part of one scene, in order of position.

    Args:
        marks: of the images.
        pictures: reads two images, by position.
        wanted: whether a pair would be told; one that would not is not read.
    """
    most = max(1, _MARKS // max(len(marks), 1))
    strongest = [Marks(one.size, one.places[:most], one.codes[:most]) for one in marks]
    votes = _shifts(strongest)
    likely: dict[tuple[int, int], tuple[int, int]] = {}
    for (first, second, row, column), count in votes.most_common():
        if count < _VOTES or len(likely) == _PAIRS:
            break
        one, other = strongest[first], strongest[second]
        both = min(one.shared(other, row, column), other.shared(one, -row, -column))
        if count >= min(_MANY, _SHARE * both) and (wanted is None or wanted(first, second)):
            likely.setdefault((first, second), (row, column))
    found = []
    for (first, second), shift in likely.items():
        one_image, other_image = pictures(first, second)
        correlation, row, column = _best_shift(one_image, other_image, *shift)
        if correlation >= LEAST_CORRELATION:
            placed = Placement(first, second, row, column, adjoins=False, correlation=correlation)
            found.append(placed)
    return sorted(found, key=lambda placed: (placed.first, placed.second))


def _shifts(marks: Sequence[Marks]) -> Counter[tuple[int, int, int, int]]:
    """By two images, and row and column of the second's corner in the first: marks that agree."""
    votes: Counter[tuple[int, int, int, int]] = Counter()
    if not marks:
        return votes
    owners = np.concatenate([np.full(len(m.places), i) for i, m in enumerate(marks)])
    places = np.concatenate([m.places for m in marks])
    codes = np.concatenate([m.codes for m in marks]).astype(np.float32)
    codes /= np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1)
    for start in range(0, len(codes), _BLOCK):
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
    first, second = (as_grey(image) for image in (one, other))
    first = first[max(row, 0) :, max(column, 0) :]
    second = second[max(-row, 0) :, max(-column, 0) :]
    height, width = (min(sides) for sides in zip(first.shape, second.shape, strict=True))
    if min(height, width) < _LEAST_SIDE:
        return 0.0
    down, along = max(0, height - _MIDDLE) // 2, max(0, width - _MIDDLE) // 2
    middle = slice(down, height - down), slice(along, width - along)
    blurred = (_blurred(grey[middle]) for grey in (first, second))
    here, there = (fine - coarse for fine, coarse in blurred)
    power = np.sqrt(np.square(here).sum() * np.square(there).sum())
    return min(1.0, float((here * there).sum() / power)) if power > 0 else 0.0


def _blurred(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Without noise, and without detail: the difference is a band in between."""
    wide = grey.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(wide, (0, 0), sigma) for sigma in (1.5, 4.0))
    return np.asarray(fine, np.float32), np.asarray(coarse, np.float32)
