"""Overlapping tiles, and how their answers become one without a seam.

Each tile is weighted with a Gaussian of an eighth of the tile's length, so that what a network
says near a tile's edge, where it sees least, counts least: nnU-Net (Isensee et al. 2021, Nature
Methods 18:203) and MONAI (Cardoso et al. 2022, arXiv:2211.02701) do the same.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Rows and columns, end excluded.
Box = tuple[slice, slice]
SIGMAS = 8
# Of a band at most: of a wide image, all that a row of tiles gives is a hundred megabytes.
ROWS = 64


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along one axis; the last is shifted inwards, so none sticks out.

    Args:
        length: of the axis, in pixels.
        tile: length of a tile, in pixels.
        overlap: of neighbours at least, in pixels, less than ``tile``.

    Raises:
        ValueError: the tile is not larger than the overlap.
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"a tile of {tile} pixels with an overlap of {overlap}")
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]


def window(length: int, count: int) -> Floats:
    """Weights along one axis of a tile: ``exp(-(x - m)² / 2s²)`` with s = length / 8.

    A single tile has nothing to be blended with; its weights are 1, which leave it exact.

    Args:
        length: of the tile, in pixels.
        count: of tiles along this axis.

    Returns:
        (length,) float32, above 0.
    """
    if count == 1:
        return np.ones(length, np.float32)
    distance = np.arange(length) - (length - 1) / 2
    return np.exp(-0.5 * (distance * SIGMAS / length) ** 2).astype(np.float32)


def weight_sum(length: int, tile: int, overlap: int) -> Floats:
    """The weights of all tiles added up along one axis, (length,) float32."""
    begins = starts(length, tile, overlap)
    weights = window(min(tile, length), len(begins))
    total = np.zeros(length, np.float32)
    for begin in begins:
        total[begin : begin + len(weights)] += weights
    return total


def blend(
    size: tuple[int, int],
    tile: int,
    overlap: int,
    answer: Callable[[list[Box]], Iterator[Floats]],
) -> Iterator[tuple[int, Floats]]:
    """Blend what is said of overlapping tiles, from the top down, a band at a time.

    Only one row of tiles is held, whatever the height.

    Args:
        size: rows and columns of the whole.
        tile: side of a tile, in pixels; an axis that is shorter has one tile of its own length.
        overlap: of neighbouring tiles, in pixels.
        answer: takes the boxes of one row of tiles, gives (K, h, w) float32 for each, in order.

    Yields:
        The first row of a band, and (K, h, W) float32: weighted means over the tiles. The bands
        follow each other without a gap.
    """
    height, width = size
    tops, lefts = starts(height, tile, overlap), starts(width, tile, overlap)
    down = window(min(tile, height), len(tops))
    weights = np.outer(down, window(min(tile, width), len(lefts)))
    rows, columns = weight_sum(height, tile, overlap), weight_sum(width, tile, overlap)
    held: Floats | None = None
    for top, following in zip(tops, [*tops[1:], height], strict=True):
        down_box = slice(top, top + weights.shape[0])
        boxes = [(down_box, slice(left, left + weights.shape[1])) for left in lefts]
        for box, found in zip(boxes, answer(boxes), strict=True):
            if held is None:
                held = np.zeros((len(found), weights.shape[0], width), np.float32)
            held[:, :, box[1]] += weights * found
        assert held is not None
        for first in range(top, following, ROWS):
            here = slice(first, min(first + ROWS, following))
            # Nothing has a name that would be held while the band is worked on.
            yield first, held[:, first - top : here.stop - top] / (rows[here, None] * columns)
        done = following - top
        kept = held.shape[1] - done
        held[:, :kept] = held[:, done:]
        held[:, kept:] = 0
