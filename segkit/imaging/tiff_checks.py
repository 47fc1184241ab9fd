"""What the tags of a TIFF claim, compared with the bound and with the file before it is read."""

import io
import math
import struct
from typing import IO, Any

import numpy as np

from segkit.core.limits import check_bytes, check_pixels, most_pixels
from segkit.imaging.jpeg_header import jpeg2000_size, jpeg_size

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
OLD_JPEG = 6
JPEG = (OLD_JPEG, 7, 33007, 34892)
_JPEG2000 = (33003, 33004, 33005, 34712)
# These unpack into as many bytes as the tags say, and no more: none, CCITT, LZW, deflate,
# PackBits, LZMA, Zstandard. The others bring a header of their own, which must be looked at.
_BOUNDED = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
_MOST_PAGES = 10_000
# Rows that are in memory at once where an image is read by rows: tiles, and what overlaps.
_BAND = 1024
# Pixels that a byte of a file may stand for beyond the bound: deflate and LZW come near it on a
# constant image. A slide has a tenth of it; a header that only claims to be one has more.
_MOST_PACKED = 2000


def check_chain(stream: IO[bytes]) -> None:
    """Refuse a list of pages that leads out of the file or in circles, and rewind the stream.

    tifffile would follow a circle of more than a hundred pages for ever.

    Raises:
        ValueError: with what is wrong.
    """
    size = stream.seek(0, io.SEEK_END)

    def number(kind: str, place: int) -> int:
        length = struct.calcsize(kind)
        if place + length > size:
            raise ValueError("a TIFF file that was cut off")
        stream.seek(place)
        return int(struct.unpack(kind, stream.read(length))[0])

    stream.seek(0)
    head = stream.read(4)
    order, big = ("<" if head[:2] == b"II" else ">"), b"+" in head
    counter, pointer, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    place = number(order + pointer, 8 if big else 4)
    if not 0 < place < size:
        raise ValueError("a TIFF file without a page")
    seen: set[int] = set()
    while place:
        if place in seen or len(seen) == _MOST_PAGES:
            reason = "goes in circles" if place in seen else f"is longer than {_MOST_PAGES}"
            raise ValueError(f"a TIFF file whose list of pages {reason}")
        seen.add(place)
        tags = number(order + counter, place)
        place = number(order + pointer, place + struct.calcsize(counter) + tags * entry)
    stream.seek(0)


def check_page(page: Any, name: str) -> None:
    """Refuse a page larger than the bound, or packed by a codec that need not keep to it.

    Raises:
        SegkitError: more pixels or bytes than the bound.
        ValueError: another codec.
    """
    check_pixels(page.imagelength * page.imagedepth, page.imagewidth, name)
    check_bytes(math.prod(page.shaped) * np.dtype(page.dtype).itemsize, "a TIFF image", name)
    if page.jpegheader is not None:
        raise ValueError("a slide of Hamamatsu's, in whose strips segkit does not read")
    check_codec(page, name)


def check_bands(page: Any, size: int, name: str, *, plain: bool) -> None:
    """Refuse bands that memory may not hold, and a size that the file's bytes do not back.

    Args:
        page: to be read by rows.
        size: of its file, in bytes.
        name: what to call the file in an error.
        plain: whether any rows can be read alone; else a strip or a row of tiles comes whole.

    Raises:
        SegkitError: naming the size, the bound and its key.
    """
    high = page.tilelength if page.is_tiled else page.rowsperstrip
    band = min(max(_BAND, 0 if plain else high), page.imagelength)
    pixels = page.imagelength * page.imagewidth
    if band * page.imagewidth > most_pixels() or pixels > _MOST_PACKED * size:
        check_pixels(page.imagelength, page.imagewidth, name)


def check_codec(page: Any, name: str) -> None:
    """Refuse tiles beyond the bound, or a codec that need not keep to what the tags say of them.

    Raises:
        SegkitError: a tile of more pixels than the bound.
        ValueError: another codec.
    """
    check_pixels(*_segment_size(page), name)
    if page.compression not in (*_BOUNDED, *JPEG, *_JPEG2000):
        raise ValueError(
            f"TIFF compression {int(page.compression)}; segkit reads deflate, LZW, LZMA, "
            "Zstandard, PackBits, CCITT, JPEG and JPEG 2000"
        )


def check_segment(page: Any, packed: bytes) -> None:
    """Refuse a JPEG that is far larger than the tile or strip it was put into.

    An old one's header may stand elsewhere; libtiff, which decodes it, looks for itself.

    Raises:
        ValueError: with both sizes.
    """
    if page.compression not in (*JPEG, *_JPEG2000) or page.compression == OLD_JPEG:
        return
    rows, columns = _segment_size(page)
    height, width, _ = (jpeg_size if page.compression in JPEG else jpeg2000_size)(packed)
    # Blocks of 16 pixels may reach over the edges.
    if height * width > 2 * (rows + 16) * (columns + 16):
        raise ValueError(f"a JPEG of {width}×{height} pixels in a tile of {columns}×{rows}")


def _segment_size(page: Any) -> tuple[int, int]:
    """Rows and columns of a tile or strip."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def check_whole(series: Any, data: bytes) -> None:
    """Refuse pages that are not there: tifffile fills what is missing, and only logs it.

    Raises:
        ValueError: with what is missing.
    """
    ends, there = [], [page for page in series.pages if page is not None]
    plain = series.keyframe.bitspersample == 8 * series.dtype.itemsize
    if plain and series.dataoffset is not None:
        ends.append(series.dataoffset + series.nbytes)
    elif len(there) < len(series.pages):
        raise ValueError(f"{len(series.pages) - len(there)} of its planes are in no file")
    for page in there:
        bare = page.keyframe.samplesperpixel > 1 and 258 not in page.keyframe.tags
        if bare and page.keyframe.compression != OLD_JPEG:
            raise ValueError("a TIFF file that lost its bit depth")
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=False):
            ends.append(start + count)
            if count:  # a sparse file leaves out what holds nothing
                check_segment(page.keyframe, data[start : start + count])
    if not ends or max(ends) > len(data):
        raise ValueError("a TIFF file that was cut off")
