"""A TIFF of which only the rows that are asked for are decoded, and the levels of its pyramid."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED
from segkit.imaging.channel_names import channel_names
from segkit.imaging.channels import flat
from segkit.imaging.intensity import Rule, scaled
from segkit.imaging.old_tiff import is_subsampled
from segkit.imaging.photometric import Photometric
from segkit.imaging.pixels import Pixels
from segkit.imaging.quiet import without_tifffile_log
from segkit.imaging.row_windows import window_of_rows
from segkit.imaging.tiff import main_series
from segkit.imaging.tiff_checks import (
    JPEG,
    OLD_JPEG,
    check_bands,
    check_chain,
    check_codec,
    check_segment,
)

Bytes = NDArray[np.uint8]
DAMAGED = "replace the file"


def open_tiff(path: Path, large: int, rule: Rule = STORED) -> "TiffRows | None":
    """Open a TIFF of more than ``large`` pixels and its pyramid; None if it must be decoded whole.

    Args:
        path: of the file.
        large: see above.
        rule: of intensities, which looks at the whole image first.

    Raises:
        SegkitError: it is damaged, or larger than the bound.
    """
    try:
        with path.open("rb") as stream:
            check_chain(stream)
        with without_tifffile_log(), tifffile.TiffFile(path, _multifile=False) as tiff:
            series = main_series(tiff, str(path))
            page: Any = series.keyframe
            if not page.is_contiguous:
                check_codec(page, str(path))
            if not _fits(series) or page.imagewidth * page.imagelength <= large:
                return None
            whole = _open_page(path, page, tiff.byteorder, None, rule)
            whole.channels = channel_names(tiff, series, tuple(series.shape[2:]))
            # What is wrong with a smaller copy is no fault of the image.
            with suppress(Exception):
                for level in series.levels[1:]:
                    if _fits(level) and _reduces(level.keyframe, page):
                        small = _open_page(path, level.keyframe, tiff.byteorder, whole.table)
                        whole.levels.append(small)
        return whole
    except SegkitError:
        raise
    except Exception:  # decode says what is wrong with it
        return None


def _fits(series: Any) -> bool:
    page = series.keyframe
    return (
        len(series.pages) == 1
        and series.axes in ("YX", "YXS")
        and page.compression != OLD_JPEG
        and not is_subsampled(page)
        and np.dtype(page.dtype) in (np.uint8, np.uint16, np.int16)
    )


def _reduces(level: Any, page: Any) -> bool:
    """Whether a level shows what its image does: the same kind of pixels, the same field."""
    kinds = ("samplesperpixel", "dtype", "photometric", "extrasamples")
    skew = level.imagelength * page.imagewidth - level.imagewidth * page.imagelength
    # A side is a whole number of pixels, rounded either way.
    return abs(skew) <= page.imagelength + page.imagewidth and all(
        getattr(level, kind) == getattr(page, kind) for kind in kinds
    )


def _open_page(
    path: Path, page: Any, order: str, table: Bytes | None, rule: Rule = STORED
) -> "TiffRows":
    if not (plain := bool(page.is_contiguous)):
        check_codec(page, str(path))
    more = {}
    # What a page knows of itself is read from the file when it is first asked.
    if page.compression in JPEG:
        more = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
        assert page.decode  # looks into its first strip, for what kind of JPEG it is
    check_bands(page, path.stat().st_size, str(path), plain=plain)
    return TiffRows(path, page, order, table, more, rule=rule)


class TiffRows:
    """A TIFF page, of which only the rows that are asked for are decoded.

    Args:
        path: of the file.
        page: one plane of 8 or 16-bit samples, of an open file.
        order: of the bytes, ``<`` or ``>``.
        table: what pixels of more than 8 bits become; None has it worked out. Levels share that
            of their image.
        more: what the page's decoder needs beside the packed bytes.
        rule: of intensities; it is in the table already where a level is given its image's.

    Attributes:
        levels: smaller copies of the image that lie in the same file.
        channels: what the file calls them.

    Raises:
        SegkitError: the file was cut off.
    """

    def __init__(
        self,
        path: Path,
        page: Any,
        order: str,
        table: Bytes | None,
        more: dict[str, Any],
        *,
        rule: Rule = STORED,
    ) -> None:
        self.levels: list[TiffRows] = []
        self.channels: tuple[str, ...] = ()
        self.size = (page.imagelength, page.imagewidth)
        self._path, self._page, self._order, self._more = path, page, order, more
        self._kept: tuple[int, Pixels] = (-1, np.zeros(0))
        ends = [a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > path.stat().st_size:
            raise self._damaged("a TIFF file that was cut off")
        self._shown = Photometric(page, str(path))
        self.table, self.depth = table, str(self._shown.dtype)
        if rule != STORED or (self.table is None and self._shown.dtype != np.uint8):
            self.table = self._through(rule)

    def level(self, size: tuple[int, int]) -> "TiffRows":
        """The smallest copy with at least so many rows and columns; the image itself if none is."""
        rows, columns = size
        fits = [one for one in self.levels if one.size[0] >= rows and one.size[1] >= columns]
        return min(fits, key=lambda one: one.size, default=self)

    def rows(self, top: int, bottom: int) -> Bytes:
        stored = self._read(top, bottom)
        if self.table is None:
            return stored
        # int16 counts from below zero, as the table does.
        places = stored.astype(np.uint16) if stored.dtype == np.int16 else stored
        if self.table.ndim == 1:
            return np.asarray(self.table[places], np.uint8)
        each = range(self.table.shape[1])
        return np.stack([self.table[places[..., at], at] for at in each], axis=-1)

    def stored(self, top: int, bottom: int) -> Pixels:
        return flat(self._read(top, bottom))

    def _read(self, top: int, bottom: int) -> Pixels:
        return self._shown(self._samples(top, bottom)).pixels

    def _samples(self, top: int, bottom: int) -> Pixels:
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
        with self._path.open("rb") as stream, without_tifffile_log():
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

    def _through(self, rule: Rule) -> Bytes:
        """A table of what a rule makes of each value: to the last bit what to_uint8 does."""
        kind = np.dtype(self._shown.dtype)
        window = window_of_rows(self._read, self.size[0], rule, kind)
        every = np.arange(2 ** (8 * kind.itemsize)).astype(f"u{kind.itemsize}").view(kind)
        wide = len(window.low)
        return scaled(every if wide == 1 else every[:, None].repeat(wide, axis=1), window)

    def _damaged(self, what: str) -> SegkitError:
        return SegkitError(what, where=str(self._path), remedy=DAMAGED)
