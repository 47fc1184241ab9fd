"""TIFF files: one image, of any number of channels, and of many planes as the settings say."""

import io
import math
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes, check_memory, check_pixels
from segkit.core.planes import PLAIN, Planes
from segkit.imaging.channel_names import channel_names
from segkit.imaging.formats.base import Picture
from segkit.imaging.old_tiff import is_subsampled, read_old_jpeg, read_subsampled
from segkit.imaging.photometric import Photometric
from segkit.imaging.quiet import without_tifffile_log
from segkit.imaging.stacks import arranged
from segkit.imaging.tiff_checks import OLD_JPEG, check_chain, check_page, check_whole

Pixels = NDArray[Any]


def decode_tiff(
    data: bytes, name: str, *, indexed: bool, planes: Planes = PLAIN, whole: bool = False
) -> Picture:
    """Decode the image of a TIFF file.

    Args:
        data: the bytes of the file.
        name: what to call the file in an error.
        indexed: of a mask: keep the indices of a palette instead of its colours, and what is
            stored where 0 is white.
        planes: what its axes are, and which of its planes are the image.
        whole: give all planes of a stack: (planes, rows, columns), or with channels after them.

    Returns:
        Pixels in the stored type, other colours as RGB; alpha where a tag says so.

    Raises:
        SegkitError: more pixels or bytes than the bound, or several planes.
        Exception: whatever a damaged file raises.
    """
    stream = io.BytesIO(data)
    check_chain(stream)
    # An OME file may name others, which nobody asked for.
    with without_tifffile_log(), tifffile.TiffFile(stream, _multifile=False) as tiff:
        series = main_series(tiff, name)
        page: Any = series.keyframe
        check_page(page, name)
        sizes = dict(zip(series.axes, series.shape, strict=False))
        check_pixels(sizes.get("Y", 1), sizes.get("X", 1), name)
        itemsize = np.dtype(series.dtype).itemsize
        size = math.prod(series.shape) * itemsize
        check_bytes(size, "a TIFF image", name)
        remedy = "write fewer planes a file"
        memory.take(size, f"decoding {size / 1e6:,.0f} MB of TIFF", where=name, remedy=remedy)
        check_memory(sizes.get("Y", 1), sizes.get("X", 1), name, deep=itemsize > 1)
        check_whole(series, data)
        shown = Photometric(page, name, indexed=indexed)
        stored = _stored(series, data)
        picture = arranged(stored, series.axes, shown, name, planes, whole=whole)
        names = channel_names(tiff, series, picture.pixels.shape[2:])
    return Picture(picture.pixels, picture.alpha, names)


def main_series(tiff: tifffile.TiffFile, name: str) -> Any:
    """The pages of the image: those of the largest that is no reduced copy, nor a mask.

    Raises:
        SegkitError: there are several.
        ValueError: its description does not fit the file.
    """
    series = tiff.series
    unlike = tiff.is_imagej and series[0].kind not in ("imagej", "ome")
    if unlike and (tiff.imagej_metadata or {}).get("images", 1) > 1:
        raise ValueError("fewer planes than ImageJ's description says")
    whole = [each for each in series if not (each.keyframe.is_reduced or each.keyframe.is_mask)]
    areas = [each.keyframe.imagelength * each.keyframe.imagewidth for each in whole or series]
    largest = [each for each, n in zip(whole or series, areas, strict=True) if n == max(areas)]
    if len(largest) > 1:
        raise SegkitError(
            f"{len(largest)} images of one size, none of them marked as the image",
            where=name,
            remedy="write a file for each",
        )
    return largest[0]


def _stored(series: Any, data: bytes) -> Pixels:
    """The samples of a series, decoded."""
    page = series.keyframe
    if page.compression == OLD_JPEG:
        parts = [read_old_jpeg(data, each) for each in series.pages]
    elif is_subsampled(page):
        parts = [read_subsampled(each) for each in series.pages]
    else:
        return np.asarray(series.asarray())
    return np.stack(parts).reshape(series.shape)
