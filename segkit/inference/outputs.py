"""What predict writes of an image: mask, overlay and probabilities, band by band.

Each file appears whole or not at all; of an image of any height only a band is in memory.
"""

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.files import atomic_path
from segkit.drawing.overlay import CLASS_COLOURS, overlay
from segkit.imaging.pixels import to_channels

Bytes = NDArray[np.uint8]
FORMATS = {"png": ".png", "tiff": ".tif"}
# A picture for the eye; JPEG itself ends at 65,535.
LARGEST_OVERLAY = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files are written for an image, and where.

    Attributes:
        folder: the output folder.
        format: of the mask, png or tiff; 8 bits.
        values: stored for class 0, 1 …; each 0…255 and once.
        overlay: whether to draw ``<stem>_overlay.jpg``.
        probability: whether to write ``probabilities/<stem>.tif``: (K, H, W) float16.
        colour: whether to write ``colours/<stem>.png``: indices into a palette, which every viewer
            shows in colour; after the seventh class the colours come again.
    """

    folder: Path
    format: str
    values: tuple[int, ...]
    overlay: bool = False
    probability: bool = False
    colour: bool = False

    def mask(self, stem: str) -> Path:
        return self.folder / f"{stem}{FORMATS[self.format]}"

    def files(self, stem: str) -> dict[str, Path]:
        """Every file of an image, by what it holds."""
        found = {"mask": self.mask(stem)}
        if self.overlay:
            found["overlay"] = self.folder / f"{stem}_overlay.jpg"
        if self.colour:
            found["colour"] = self.folder / "colours" / f"{stem}.png"
        if self.probability:
            found["probability"] = self.folder / "probabilities" / f"{stem}.tif"
        return found


class NotWrittenError(SegkitError):
    """The output cannot be written; every further image would fail in the same way."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tell what the system refuses to write into a folder.

    Raises:
        NotWrittenError: in place of an OSError, such as a full disk.
    """
    try:
        yield
    except OSError as error:
        raise NotWrittenError(
            f"the output cannot be written: {error.strerror or error}",
            where=str(folder),
            remedy="make room, or name another output folder; what is done is kept",
        ) from error


def check_format(name: object, values: object, classes: int) -> tuple[int, ...]:
    """The stored value of each class: the given ones, or the class indices.

    Raises:
        SegkitError: an unknown format, or values that do not tell the classes apart.
    """
    if not isinstance(name, str) or name not in FORMATS:
        remedy = did_you_mean(name, FORMATS)
        raise SegkitError(f"unknown format {name!r}", where="format", remedy=remedy)
    if values is None:
        return tuple(range(classes))
    given = list(values) if isinstance(values, list | tuple) else [None]
    whole = [v for v in given if isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= 255]
    if len(set(whole)) != classes or len(given) != classes:
        raise SegkitError(
            f"{classes} classes need as many different whole numbers of 0…255",
            where=f"values={values}",
            remedy="for a binary task 'values=[0,255]', or leave it out for class indices",
        )
    return tuple(whole)


class Files:
    """The files of one image, written from the top down; use it as a context manager.

    Args:
        wanted: which.
        stem: of their names.
        size: rows and columns of the image.
        planes: of the probability.
    """

    def __init__(self, wanted: Wanted, stem: str, size: tuple[int, int], planes: int) -> None:
        self._names, self._size = wanted.files(stem), size
        self._planes, self._stack = planes, ExitStack()
        self._values = np.zeros(256, np.uint8)
        self._values[: len(wanted.values)] = wanted.values
        self._drawn: list[Bytes] = []
        self._step = -(-max(size) // LARGEST_OVERLAY)

    def __enter__(self) -> "Files":
        with ExitStack() as stack:
            try:
                paths = {k: stack.enter_context(atomic_path(v)) for k, v in self._names.items()}
            except SegkitError as error:
                if getattr(error.__cause__, "errno", None) == errno.ENAMETOOLONG:
                    raise  # this image's alone
                raise NotWrittenError(error.what, where=error.where, remedy=error.remedy) from error
            mask = paths["mask"]
            kind: type[_Png | _Tiff] = _Png if mask.suffix == ".png" else _Tiff
            self._mask = kind(mask, (1, *self._size), "uint8")
            stack.callback(self._mask.close)
            self._probability = None
            if "probability" in paths:
                whole = (self._planes, *self._size)
                self._probability = _Tiff(paths["probability"], whole, "float16")
                stack.callback(self._probability.close)
            self._colour = None
            if "colour" in paths:
                self._colour = _Png(paths["colour"], (1, *self._size), "uint8", CLASS_COLOURS)
                stack.callback(self._colour.close)
            self._overlay = paths.get("overlay")
            self._stack = stack.pop_all()
        return self

    def add(
        self, top: int, image: Bytes | None, mask: Bytes, probability: NDArray[np.float32] | None
    ) -> None:
        """Write a band: the next rows of classes (h, W), and what else is wanted.

        Args:
            top: number of its first row.
            image: (h, W) or (h, W, C) uint8, for the overlay.
            mask: (h, W) uint8 class indices.
            probability: (K, h, W).
        """
        self._mask.add(top, self._values[mask][None])
        if self._colour is not None:
            # As everywhere else: after the last colour, from the first that is not background's.
            span = len(CLASS_COLOURS) - 1
            shown = np.where(mask > 0, (mask.astype(np.int16) - 1) % span + 1, 0)
            self._colour.add(top, shown.astype(np.uint8)[None])
        if self._probability is not None and probability is not None:
            self._probability.add(top, probability.astype(np.float16))
        if self._overlay is not None and image is not None:
            step = self._step
            here = slice(-top % step, None, step), slice(None, None, step)
            self._drawn.append(np.dstack([to_channels(image[here], 3), mask[here]]))

    def finish(self) -> None:
        """Draw what needs the whole image."""
        if self._overlay is not None:
            drawn = np.concatenate(self._drawn)
            picture = overlay(np.ascontiguousarray(drawn[..., :3]), drawn[..., 3])
            done, data = cv2.imencode(".jpg", picture[..., ::-1])
            assert done
            self._overlay.write_bytes(data.tobytes())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)


class _Png:
    """An 8-bit PNG (W3C, PNG 3rd edition), grey or of palette indices, compressed by rows."""

    def __init__(
        self, path: Path, shape: tuple[int, int, int], kind: str, palette: Bytes | None = None
    ) -> None:
        assert kind == "uint8"
        self._file, self._packer = path.open("wb"), zlib.compressobj(4)
        self._file.write(b"\x89PNG\r\n\x1a\n")
        colours = 0 if palette is None else 3
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", shape[2], shape[1], 8, colours, 0, 0, 0))
        if palette is not None:
            self._chunk(b"PLTE", palette.tobytes())

    def add(self, top: int, rows: Bytes) -> None:
        del top  # the next ones
        # Each row begins with its filter; 0 is none.
        framed = np.pad(rows[0], ((0, 0), (1, 0)))
        self._chunk(b"IDAT", self._packer.compress(framed.tobytes()))

    def close(self) -> None:
        self._chunk(b"IDAT", self._packer.flush())
        self._chunk(b"IEND", b"", always=True)
        self._file.close()

    def _chunk(self, name: bytes, data: bytes, *, always: bool = False) -> None:
        if data or always:
            check = zlib.crc32(data, zlib.crc32(name))
            self._file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", check))


class _Tiff:
    """An uncompressed TIFF of (planes, rows, columns), filled as its rows come."""

    def __init__(self, path: Path, shape: tuple[int, int, int], kind: str) -> None:
        self._kind, self._shape = np.dtype(kind), shape
        size = int(np.prod(shape)) * self._kind.itemsize
        whole = shape[1:] if shape[0] == 1 else shape
        # A memory map's pages would be counted as this process's memory.
        mapped = tifffile.memmap(
            path, shape=whole, dtype=kind, bigtiff=size > 2**32 - 2**25, photometric="minisblack"
        )
        self._offset = int(mapped.offset)
        del mapped
        self._file = path.open("r+b")

    def add(self, top: int, rows: NDArray[Any]) -> None:
        _, height, width = self._shape
        for number, plane in enumerate(rows):
            place = (number * height + top) * width * self._kind.itemsize
            self._file.seek(self._offset + place)
            self._file.write(np.ascontiguousarray(plane, self._kind).tobytes())

    def close(self) -> None:
        self._file.close()
