"""Resizing by rows: an image of which only a band is in memory, and the answer to it."""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.imaging.bands import ArrayRows, Rows
from segkit.imaging.pixels import resize_image
from segkit.imaging.tiff_bands import TiffRows

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
# Pixels that are worked on at once, in floats.
_PIXELS = 2**22
# New rows whose old ones are weighted at once: more are mostly multiplied by zero.
_TOGETHER = 16


def scaled(image: Rows, size: tuple[int, int]) -> Rows:
    """An image in another size, as :func:`segkit.imaging.pixels.resize_image` resizes it.

    Of a TIFF with a pyramid it is made of the smallest level that is large enough.

    Args:
        image: as opened.
        size: rows and columns wanted.
    """
    if isinstance(image, TiffRows):
        image = image.level(size)
    if image.size == size:
        return image
    if isinstance(image, ArrayRows) and prod(size) <= _PIXELS * 4:
        return ArrayRows(resize_image(np.atleast_3d(image.image), size))
    return ScaledRows(image, size)


class ScaledRows:
    """Area averages where the image shrinks, else bilinear, to the last bit but one.

    Args:
        image: of which no more rows are read at once than four megapixels hold.
        size: rows and columns wanted.
    """

    def __init__(self, image: Rows, size: tuple[int, int]) -> None:
        self.size = size
        self._image = image
        shrinks = prod(size) < prod(image.size)
        self._method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        self._weights = _areas if shrinks else _neighbours

    def rows(self, top: int, bottom: int) -> Bytes:
        """Rows top…bottom-1, (h, W, C) uint8."""
        firsts = range(top, bottom, _TOGETHER)
        return np.concatenate([self._few(one, min(one + _TOGETHER, bottom)) for one in firsts])

    def _few(self, top: int, bottom: int) -> Bytes:
        first, weights = self._weights(top, bottom, self.size[0], self._image.size[0])
        step = max(1, _PIXELS // self._image.size[1])
        total: Any = 0
        for start in range(0, weights.shape[1], step):
            share = weights[:, start : start + step]
            narrow = self._narrow(first + start, first + start + share.shape[1])
            total = total + np.tensordot(share, narrow, axes=1)
        return np.asarray(np.rint(np.clip(total, 0, 255)), np.uint8)

    def _narrow(self, top: int, bottom: int) -> Floats:
        """Rows of the image, (h, W, C), in their new width."""
        rows = np.atleast_3d(self._image.rows(top, bottom)).astype(np.float32)
        size = (self.size[1], len(rows))
        narrow = cv2.resize(rows, size, interpolation=self._method)
        return np.asarray(narrow, np.float32).reshape(len(rows), self.size[1], rows.shape[2])


def _areas(top: int, bottom: int, count: int, length: int) -> tuple[int, Floats]:
    """How much of each old row lies in each of the new rows top…bottom-1, which number ``count``.

    Returns:
        The first of the old rows, and (bottom - top, n) of weights, which add up to 1 for each
        new row.
    """
    edges = np.arange(top, bottom + 1) * (length / count)
    first, last = int(edges[0]), min(length, int(np.ceil(edges[-1])))
    old = np.arange(first, last)
    low, high = np.maximum(edges[:-1, None], old), np.minimum(edges[1:, None], old + 1)
    shares = np.clip(high - low, 0, None)
    return first, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _neighbours(top: int, bottom: int, count: int, length: int) -> tuple[int, Floats]:
    """The same of bilinear interpolation."""
    above, below, share = _between(count, length)
    first, last = int(above[top]), int(below[bottom - 1]) + 1
    weights = np.zeros((bottom - top, last - first), np.float32)
    number = np.arange(bottom - top)
    np.add.at(weights, (number, above[top:bottom] - first), 1 - share[top:bottom])
    np.add.at(weights, (number, below[top:bottom] - first), share[top:bottom])
    return first, weights


def _between(count: int, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The two old rows that each of ``count`` new ones lies between, and the share of the second.

    Pixels have their place at their centre, and beyond the outermost nothing changes: as torch
    (``align_corners=False``) and OpenCV have it.
    """
    place = np.clip((np.arange(count) + 0.5) * (length / count) - 0.5, 0, length - 1)
    above = place.astype(np.int64)
    return above, np.minimum(above + 1, length - 1), (place - above).astype(np.float32)


def between_rows(
    bands: Iterable[tuple[int, Floats]], rows: int, length: int
) -> Iterator[tuple[int, Floats]]:
    """Bilinear rows between those of an answer that comes band by band.

    Args:
        bands: the first row of each, and (K, h, W) float32; without a gap, ``rows`` in all.
        rows: of the answer.
        length: rows wanted.

    Yields:
        The first of some of the rows wanted, and (K, n, W) of them, without a gap; no more than
        four megapixels would hold were they ``length / rows`` times as wide.
    """
    above, below, share = _between(length, rows)
    held: Floats | None = None
    start = done = 0
    for top, band in bands:
        # Of the bands before, only what the next rows lie between.
        keep = min(top, int(above[min(done, length - 1)]))
        held = band if held is None else np.concatenate([held[:, keep - start :], band], axis=1)
        start, ready = keep, int(np.searchsorted(below, top + band.shape[1]))
        step = max(1, int(_PIXELS * rows / (length * band.shape[2])))
        for first in range(done, ready, step):
            some = slice(first, min(first + step, ready))
            upper, lower = held[:, above[some] - start], held[:, below[some] - start]
            yield first, upper + (lower - upper) * share[some, None]
        done = max(done, ready)
