"""What tifffile does not decode: subsampled YCbCr that is no JPEG, and JPEG as it first was."""

import io
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TiffImageFile

from segkit.imaging.tiff_checks import JPEG, OLD_JPEG

_YCBCR = 6
Bytes = NDArray[np.uint8]


def is_subsampled(page: Any) -> bool:
    """Whether a page stores its colour for blocks of pixels, without JPEG.

    What the tag is without, the standard says: blocks of 2×2.
    """
    coarse = page.subsampling != (1, 1)
    return page.photometric == _YCBCR and page.compression not in JPEG and coarse


def read_subsampled(page: Any) -> Bytes:
    """(H, W, 3) YCbCr of such a page, its colour repeated.

    Raises:
        ValueError: it is damaged, or stored in a way that nobody writes.
    """
    if page.planarconfig != 1 or page.samplesperpixel != 3 or page.bitspersample != 8:
        raise ValueError("subsampled YCbCr that is not 8 bits a sample, all in one plane")
    if page.predictor != 1 or page.fillorder != 1 or page.imagedepth != 1:
        raise ValueError("subsampled YCbCr with a predictor")
    across, down = page.subsampling or (2, 2)
    if across not in (1, 2, 4) or down not in (1, 2, 4):
        raise ValueError(f"YCbCr subsampled by {across}×{down}")
    unpack = None if page.compression == 1 else tifffile.TIFF.DECOMPRESSORS[page.compression]
    height, width = page.imagelength, page.imagewidth
    high, wide = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, width)
    columns = -(-width // wide)
    out = np.zeros((height, width, 3), np.uint8)
    starts = zip(page.dataoffsets, page.databytecounts, strict=True)
    for number, (start, count) in enumerate(starts):
        top, left = number // columns * high, number % columns * wide
        if not count or top >= height:
            continue
        rows = high if page.is_tiled else min(high, height - top)
        blocks = (-(-rows // down), -(-wide // across))
        size = blocks[0] * blocks[1] * (down * across + 2)
        page.parent.filehandle.seek(start)
        packed = page.parent.filehandle.read(count)
        data = np.frombuffer(unpack(packed, out=size) if unpack else packed, np.uint8)[:size]
        if len(data) < size:
            raise ValueError("a strip of YCbCr that was cut off")
        part = _spread(data.reshape(*blocks, -1), down, across)
        there = out[top : top + high, left : left + wide]
        there[...] = part[: there.shape[0], : there.shape[1]]
    return out


def _spread(blocks: Bytes, down: int, across: int) -> Bytes:
    """(rows, columns, down × across + 2) blocks, as pixels."""
    rows, columns, _ = blocks.shape
    luma = blocks[..., :-2].reshape(rows, columns, down, across).swapaxes(1, 2)
    colour = blocks[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return np.dstack([luma.reshape(rows * down, columns * across), colour])


def read_old_jpeg(data: bytes, page: Any) -> Bytes:
    """(H, W) or (H, W, 3) RGB of a page of compression 6, as libtiff decodes it.

    Raises:
        ValueError: its header says another size than its tags do.
    """
    assert page.compression == OLD_JPEG
    with TiffImageFile(io.BytesIO(data)) as picture:
        picture.seek(page.index)
        if picture.size != (page.imagewidth, page.imagelength):
            raise ValueError("a JPEG of another size than its page")
        return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"), np.uint8)
