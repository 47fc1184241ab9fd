"""Outlines of objects along the edges of their pixels: filling them gives the pixels again."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# (n, 2) int64: x and y of corners between pixels; pixel (row, column) spans column … column + 1.
Ring = NDArray[np.int64]


def polygons(mask: NDArray[np.bool_], *, top: int = 0, left: int = 0) -> Iterator[list[Ring]]:
    """A polygon for each part of an object; parts that share a corner alone are two.

    No ring crosses or touches itself, so that the polygons are valid (OGC Simple Features).

    Args:
        mask: (h, w) bool.
        top: row of the image in which the mask begins.
        left: column likewise.

    Yields:
        The outer ring, then one for each hole, not closed: the first corner is not repeated. The
        outer ring begins at its upper left corner and goes to the right; holes run against it, so
        that filling by the even-odd and by the nonzero rule is the same.
    """
    parts, _ = ndimage.label(mask)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        corners, across, along = _corners(parts[box] == number)
        corners += [left + box[1].start, top + box[0].start]
        rings = list(_follow(corners, across, along))
        # The first corner of all, row by row, is on the outer ring.
        yield [rings[0], *(np.roll(ring[::-1], 1, axis=0) for ring in rings[1:])]


def _corners(part: NDArray[np.bool_]) -> tuple[Ring, list[int], list[int]]:
    """Corners of a 4-connected part row by row, and of each its neighbours across and along.

    On every line between rows, corners sorted by x are the two ends of an edge in turn; so they
    are on every line between columns. That pairs them without tracing.
    """
    padded = np.pad(part, 1)
    found = []
    for down in (0, 1):
        for right in (0, 1):
            # For each pixel, the three others around this corner of it.
            beside = np.roll(padded, 1 - 2 * right, axis=1)
            above = np.roll(padded, 1 - 2 * down, axis=0)
            opposite = np.roll(beside, 1 - 2 * down, axis=0)
            convex = padded & ~beside & ~above
            concave = padded & beside & above & ~opposite
            rows, columns = np.nonzero(convex | concave)
            x, y = columns - 1 + right, rows - 1 + down
            # Where two pixels of the part meet at a corner alone, two of its corners are one
            # point. Each takes one's horizontal and the other's vertical edge, so that the rings
            # go around the background on either side, and none goes through a point twice.
            meets = (convex & opposite)[rows, columns]
            found.append(np.stack([x, y, np.full_like(x, 1 - right), (1 - down) ^ meets], axis=1))
    table = np.concatenate(found)
    table = table[np.lexsort((table[:, 2], table[:, 0], table[:, 1]))]
    order = np.lexsort((table[:, 3], table[:, 1], table[:, 0]))
    across = np.arange(len(table)) ^ 1
    along = np.empty_like(order)
    along[order] = order[np.arange(len(order)) ^ 1]
    return table[:, :2].astype(np.int64), across.tolist(), along.tolist()


def _follow(corners: Ring, across: list[int], along: list[int]) -> Iterator[Ring]:
    left = [True] * len(corners)
    for start in range(len(corners)):
        if left[start]:
            ring, here = [], start
            while left[here]:
                there = across[here]
                left[here] = left[there] = False
                ring += [here, there]
                here = along[there]
            yield corners[ring]
