"""The label image of what was found, as a file: 16-bit PNG, or 32-bit TIFF."""

import os
import tempfile
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segkit.core.files import atomic_path, cannot_write
from segkit.imaging.windows import Sliced, bands
from segkit.inference.band_files import Png, Tiff
from segkit.inference.wanted import FORMATS


class RowStore:
    """Labels or a map on disk while they are made: written from the top down, read by any rows.

    The file has no name, so that it is gone with the process. Use it as a context manager.

    Args:
        folder: on whose disk it lies.
        width: columns of the image.
        kind: of its values.

    Raises:
        CannotWriteError: the folder cannot be written to, or the disk is full.
    """

    def __init__(self, folder: Path, width: int, kind: str = "int32") -> None:
        self._folder, self._width, self._height = folder, width, 0
        self._kind = np.dtype(kind)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise cannot_write(folder, error) from error

    @property
    def shape(self) -> tuple[int, int]:
        """Rows written so far, and columns."""
        return self._height, self._width

    def add(self, rows: NDArray[Any]) -> None:
        """Write the next rows, (h, W) of values that its kind holds."""
        if rows.shape[1] != self._width:
            raise ValueError(f"rows of {rows.shape[1]} columns for {self._width}")
        data = np.ascontiguousarray(rows, self._kind).reshape(-1).view(np.uint8).data
        place = self._height * self._width * self._kind.itemsize
        try:
            while data:
                done = os.pwrite(self._file.fileno(), data, place)
                data, place = data[done:], place + done
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        self._height += len(rows)

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        top, bottom, step = rows.indices(self._height)
        if step != 1:
            raise ValueError(f"every row, not every {step}th")
        found = np.empty((max(0, bottom - top), self._width), self._kind)
        rest = found.reshape(-1).view(np.uint8).data
        place = top * self._width * self._kind.itemsize
        while rest:
            done = os.preadv(self._file.fileno(), [rest], place)
            rest, place = rest[done:], place + done
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def label_suffix(labels: Sliced, form: str = "png") -> str:
    """What the name of a label image's file ends in.

    Args:
        labels: (H, W) integers of 0 … 2³² - 1, read by bands.
        form: ``png``: 16 bits, or as ``tiff`` where a label is above 65,535; ``tiff``: 32 bits.

    Raises:
        ValueError: an unknown form, or a label that 32 bits do not hold.
    """
    if form not in FORMATS:
        raise ValueError(f"form {form!r} is none of {', '.join(FORMATS)}")
    lowest = highest = 0
    for band in bands(labels.shape[0], labels.shape[1]):
        rows = labels[band]
        lowest, highest = min(lowest, int(rows.min())), max(highest, int(rows.max()))
    if lowest < 0 or highest >= 2**32:
        raise ValueError(f"labels of {lowest} … {highest}")
    return FORMATS["png" if form == "png" and highest < 2**16 else "tiff"]


def write_labels(
    path: Path, labels: Sliced, *, pixel_size: tuple[float, float] | None = None
) -> None:
    """Write a label image: its values as they are, whole or not at all.

    Args:
        path: of the file, which ends in what :func:`label_suffix` says: a PNG of 16 bits, or a
            TIFF of 32 bits unsigned, with its axes.
        labels: (H, W) integers, read by bands.
        pixel_size: height and width of a pixel in µm; the TIFF's resolution.

    Raises:
        SegkitError: it cannot be written.
    """
    size = (labels.shape[0], labels.shape[1])
    tags: dict[str, Any] = {"metadata": {"axes": "YX"}}
    if pixel_size is not None:
        height, width = pixel_size
        tags |= {"resolution": (1e4 / width, 1e4 / height), "resolutionunit": "CENTIMETER"}
    png = path.suffix == FORMATS["png"]
    with atomic_path(path) as temporary:
        new = (
            Png(temporary, size, "uint16") if png else Tiff(temporary, (1, *size), "uint32", **tags)
        )
        with closing(new):
            for band in bands(*size):
                new.add(band.start, labels[band][None])
