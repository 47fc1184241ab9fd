"""A label image of any size, seen through windows that hold whole objects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Of a window, unless one object alone is larger: 16 MiB of labels.
PIXELS = 2**22


class Sliced(Protocol):
    """An image of which rows are read by slice: an array, a memory map, a file."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Some objects of a label image, each of them whole.

    Attributes:
        top: row of the image in which the window begins.
        left: column likewise.
        numbers: (h, w) unsigned integers: ``i + 1`` in object ``ids[i]``, 0 elsewhere.
        ids: (n,) labels in the image, ascending.
    """

    top: int
    left: int
    numbers: NDArray[Any]
    ids: NDArray[np.int64]

    @property
    def rows(self) -> slice:
        return slice(self.top, self.top + self.numbers.shape[0])

    @property
    def columns(self) -> slice:
        return slice(self.left, self.left + self.numbers.shape[1])

    def objects(self) -> Iterator[tuple[int, int, int, NDArray[np.bool_]]]:
        """Label, first row and first column in the image, and (h, w) mask of each object."""
        for number, (label, box) in enumerate(
            zip(self.ids.tolist(), ndimage.find_objects(self.numbers), strict=True), start=1
        ):
            rows, columns = box
            yield (
                label,
                self.top + rows.start,
                self.left + columns.start,
                self.numbers[box] == number,
            )


def bands(height: int, width: int, pixels: int = PIXELS) -> Iterator[slice]:
    """Slices of rows that cover an image, each of about so many pixels."""
    step = max(1, pixels // max(1, width))
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def windows(labels: Sliced, *, pixels: int = PIXELS) -> Iterator[Window]:
    """Every object of a label image once, from the top down by first rows.

    The image is read twice, by bands. An object higher than a band has a window of its own, so
    the memory is that of a band, or of the largest bounding box where that is more.

    Args:
        labels: (H, W) integers; every positive value is an object, connected or not.
        pixels: of a band.
    """
    height, width = labels.shape
    ids, boxes = bounding_boxes(labels, pixels=pixels)
    for band in bands(height, width, pixels):
        begins = (boxes[:, 0] >= band.start) & (boxes[:, 0] < band.stop)
        high = boxes[:, 2] - boxes[:, 0] > band.stop - band.start
        for chosen in (np.flatnonzero(begins & ~high), *np.flatnonzero(begins & high)[:, None]):
            if len(chosen):
                top, left = boxes[chosen, :2].min(axis=0).tolist()
                bottom, right = boxes[chosen, 2:].max(axis=0).tolist()
                numbers = np.zeros((bottom - top, right - left), np.min_scalar_type(len(chosen)))
                for part in bands(bottom - top, width, pixels):
                    rows = labels[top + part.start : top + part.stop][:, left:right]
                    _number(rows, ids[chosen], numbers[part])
                yield Window(top, left, numbers, ids[chosen])


def _number(rows: NDArray[Any], ids: NDArray[np.int64], out: NDArray[Any]) -> None:
    inside = rows > 0
    values = rows[inside]
    place = np.minimum(np.searchsorted(ids, values), len(ids) - 1)
    out[inside] = np.where(ids[place] == values, place + 1, 0)


def bounding_boxes(
    labels: Sliced, *, pixels: int = PIXELS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each object of a label image lies.

    Returns:
        (n,) labels, ascending, and (n, 4) first row, first column, and the row and the column
        after the last.
    """
    height, width = labels.shape
    found, boxes = [np.zeros(0, np.int64)], [np.zeros((0, 4), np.int64)]
    for band in bands(height, width, pixels):
        rows = labels[band]
        inside = rows > 0
        # Labels may be large and far apart, and find_objects makes a list as long as the largest.
        ids, place = np.unique(rows[inside], return_inverse=True)
        numbers = np.zeros(rows.shape, np.int32)
        numbers[inside] = place + 1
        here = [(r.start, c.start, r.stop, c.stop) for r, c in ndimage.find_objects(numbers)]
        found.append(ids.astype(np.int64))
        down = np.array([band.start, 0, band.start, 0])
        boxes.append(np.array(here, np.int64).reshape(-1, 4) + down)
    ids, place = np.unique(np.concatenate(found), return_inverse=True)
    parts = np.concatenate(boxes)
    first = np.full((len(ids), 2), np.iinfo(np.int64).max)
    last = np.zeros((len(ids), 2), np.int64)
    np.minimum.at(first, place, parts[:, :2])
    np.maximum.at(last, place, parts[:, 2:])
    return ids, np.hstack([first, last])
