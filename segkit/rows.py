"""An image read some rows at a time: what fits into memory whole, and TIFF files that do not."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tifffile
from numpy.typing import NDArray

from segkit.errors import SegkitError
from segkit.images import PERCENTILES, Pixels, decode, to_uint8, without_alpha
from segkit.limits import check_bytes
from segkit.tiffs import (
    JPEG,
    MAGIC,
    check_bands,
    check_chain,
    check_codec,
    check_segment,
    palette_of,
)

Bytes = NDArray[np.uint8]
_DAMAGED = "replace the file"


class Rows(Protocol):
    """An image of 0…255; ``size`` is rows and columns."""

    size: tuple[int, int]

    def rows(self, top: int, bottom: int) -> Bytes:
        """Rows top…bottom-1, (h, W) or (h, W, C) uint8."""


class ArrayRows:
    """An image in memory.

    Args:
        image: (H, W) or (H, W, C) uint8.
    """

    def __init__(self, image: Bytes) -> None:
        self.image = image
        self.size = (image.shape[0], image.shape[1])

    def rows(self, top: int, bottom: int) -> Bytes:
        return self.image[top:bottom]


def open_rows(path: Path, large: int) -> Rows:
    """Open an image file: whole, or by rows where it is a TIFF of more than ``large`` pixels.

    Read by rows are single planes of 8 or 16 bits, strips or tiles, packed or not. Anything else
    is decoded whole; so is, in effect, a packed TIFF whose rows are all in one strip, since a strip
    is unpacked as one. The bound of :mod:`segkit.limits` is on what is in memory at once.

    Raises:
        SegkitError: the file cannot be read, is damaged, or is larger than the bound.
    """
    try:
        with path.open("rb") as stream:
            is_tiff = stream.read(4) in MAGIC
        if is_tiff and (lazy := _lazily(path, large)) is not None:
            return lazy
        check_bytes(path.stat().st_size, "a file", str(path))
        data = path.read_bytes()
    except OSError as error:
        raise SegkitError(
            f"a file that cannot be read: {error.strerror or error}",
            where=str(path),
            remedy=_DAMAGED,
        ) from error
    return ArrayRows(to_uint8(decode(data, str(path)), str(path)))


def _lazily(path: Path, large: int) -> "TiffRows | None":
    try:
        with path.open("rb") as stream:
            check_chain(stream)
        with tifffile.TiffFile(path, _multifile=False) as tiff:
            series = tiff.series[0]
            page: Any = series.keyframe
            fits = (
                len(series.pages) == 1
                and series.axes in ("YX", "YXS")
                and page.imagewidth * page.imagelength > large
                and page.samplesperpixel <= 4
                and np.dtype(page.dtype) in (np.uint8, np.uint16, np.int16)
            )
            if not (plain := bool(page.is_contiguous)):
                check_codec(page, str(path))
            # What a page knows of itself is read from the file when it is first asked.
            order, palette, more = tiff.byteorder, palette_of(page) if fits else None, {}
            if fits and page.compression in JPEG:
                more = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
        if not fits:
            return None
        check_bands(page, path.stat().st_size, str(path), plain=plain)
        return TiffRows(path, page, order, palette, more)
    except SegkitError:
        raise
    except Exception:  # decode says what is wrong with it
        return None


class TiffRows:
    """A TIFF page, of which only the rows that are asked for are decoded.

    Args:
        path: of the file.
        page: one plane of 8 or 16-bit pixels.
        order: of the bytes, ``<`` or ``>``.
        palette: (256, 3) uint8, or None.
        more: what the page's decoder needs beside the packed bytes.

    Raises:
        SegkitError: the file was cut off.
    """

    def __init__(
        self, path: Path, page: Any, order: str, palette: Bytes | None, more: dict[str, Any]
    ) -> None:
        self.size = (page.imagelength, page.imagewidth)
        self._path, self._page, self._order, self._more = path, page, order, more
        self._kept: tuple[int, Pixels] = (-1, np.zeros(0))
        ends = [a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > path.stat().st_size:
            raise self._damaged("a TIFF file that was cut off")
        self._table = palette
        if self._table is None and page.dtype != np.uint8:
            self._table = self._window()

    def rows(self, top: int, bottom: int) -> Bytes:
        stored = self._stored(top, bottom)
        if self._table is None:
            return stored
        # int16 counts from below zero, as the table does.
        places = stored.astype(np.uint16) if stored.dtype == np.int16 else stored
        return np.asarray(self._table[places], np.uint8)

    def _stored(self, top: int, bottom: int) -> Pixels:
        page = self._page
        wide = page.samplesperpixel
        shape = (bottom - top, self.size[1], *([wide] if wide > 1 else []))
        try:
            if page.is_contiguous and page.bitspersample == 8 * page.dtype.itemsize:
                return self._plain(top, shape)
            high = page.tilelength if page.is_tiled else page.rowsperstrip
            high = min(high, self.size[0])
            parts = []
            for number in range(top // high, -(-bottom // high)):
                start = number * high
                parts.append(self._row(number)[max(top - start, 0) : bottom - start])
            # A copy would need the memory of the whole image where it is one strip.
            return (parts[0] if len(parts) == 1 else np.concatenate(parts)).reshape(shape)
        except Exception as error:  # every codec has its own family of exceptions
            reason = " ".join(str(error).split())[:120] or type(error).__name__
            raise self._damaged(f"an image that cannot be read: {reason}") from error

    def _plain(self, top: int, shape: tuple[int, ...]) -> Pixels:
        """Read what is stored unpacked, in one piece; a memory map would be counted as memory."""
        page = self._page
        kind = page.dtype.newbyteorder(self._order)
        line = int(np.prod(shape[1:])) * kind.itemsize
        with self._path.open("rb") as stream:
            stream.seek(page.dataoffsets[0] + top * line)
            data = np.frombuffer(stream.read(line * shape[0]), kind)
        return data.reshape(shape).astype(page.dtype, copy=False)

    def _row(self, number: int) -> Pixels:
        """One row of strips or tiles; the last is kept, since the next band begins in it."""
        if self._kept[0] == number:
            return self._kept[1]
        page, parts = self._page, []
        across = -(-self.size[1] // page.tilewidth) if page.is_tiled else 1
        with self._path.open("rb") as stream:
            for index in range(number * across, (number + 1) * across):
                stream.seek(page.dataoffsets[index])
                packed = stream.read(page.databytecounts[index])
                if packed and not page.jpegheader:
                    check_segment(page, packed)
                decoded, _, shape = page.decode(
                    packed or None, index, _fullsize=False, **self._more
                )
                if decoded is None:  # a sparse file leaves out what holds nothing
                    decoded = np.full(shape, page.nodata, page.dtype)
                parts.append(decoded[0])
        # Tiles are stored whole, also where the image ends within them.
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        self._kept = (number, whole[:, : self.size[1]])
        return self._kept[1]

    def _window(self) -> Bytes:
        """A table of the 65,536 values: what to_uint8 would do, from a histogram over bands."""
        signed = self._page.dtype == np.int16
        counts = np.zeros(2**16, np.int64)
        for top in range(0, self.size[0], 512):
            colours = without_alpha(self._stored(top, min(top + 512, self.size[0])))
            # Rising order begins at the lowest value of the type.
            shifted = colours.astype(np.int32) + (2**15 if signed else 0)
            counts += np.bincount(shifted.ravel(), minlength=2**16)
        values = np.arange(2**16) - (2**15 if signed else 0)
        low, high = (_percentile(counts, values, q) for q in PERCENTILES)
        if high <= low:
            low, high = (float(values[np.flatnonzero(counts)[end]]) for end in (0, -1))
        if high <= low:
            return np.zeros(2**16, np.uint8)
        # As in to_uint8, to the last bit.
        scaled = (values.astype(np.float32) - float(low)) * float(255.0 / (high - low))
        table = np.asarray(np.rint(np.clip(scaled, 0.0, 255.0)), np.uint8)
        return np.roll(table, 2**15) if signed else table

    def _damaged(self, what: str) -> SegkitError:
        return SegkitError(what, where=str(self._path), remedy=_DAMAGED)


def _percentile(counts: NDArray[np.int64], values: NDArray[np.int64], percent: float) -> float:
    """As numpy.percentile does it, between the two nearest of the sorted values."""
    upto = np.cumsum(counts)
    place = percent / 100 * (int(upto[-1]) - 1)
    below = int(np.floor(place))
    a, b = (float(values[np.searchsorted(upto, rank, "right")]) for rank in (below, below + 1))
    share = place - below
    return a + (b - a) * share if share < 0.5 else b - (b - a) * (1 - share)


def as_rows(image: Pixels) -> ArrayRows:
    """An array of any depth that training reads; see :func:`segkit.images.to_uint8`.

    Raises:
        SegkitError: not (H, W) or (H, W, C) with C of 1 to 4, or a value that is not finite.
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and not 1 <= image.shape[2] <= 4):
        raise SegkitError(
            f"an array of shape {image.shape} is not an image",
            where="image",
            remedy="give (rows, columns) or (rows, columns, channels) with 1 to 4 channels",
        )
    if not image.size:
        raise SegkitError("an image without pixels", where="image", remedy="give one that has some")
    return ArrayRows(to_uint8(image, "image"))
