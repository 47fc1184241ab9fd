"""TIFF stacks of which each plane is an image of its own: a volume without a patient."""

import io
from pathlib import Path
from typing import IO

import numpy as np
import tifffile
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes, most_bytes
from segkit.core.planes import SLICES
from segkit.imaging.formats.base import Open, Slicing, Volume, Voxels
from segkit.imaging.photometric import keeps_values
from segkit.imaging.quiet import without_tifffile_log
from segkit.imaging.stacks import settled
from segkit.imaging.tiff import decode_tiff, main_series
from segkit.imaging.tiff_checks import MAGIC, check_chain, check_page


def open_stack(opened: Open, name: str, slicing: Slicing) -> Volume | None:
    """Read the header of a TIFF; None where it is not to be cut, or a single plane.

    Args:
        opened: opens the file.
        name: what to call it in an error.
        slicing: whether it is to be cut, and what its axes are.

    Raises:
        SegkitError: it is larger than the bound, has axes that nobody knows, or planes of which
            an image and a mask would be read in different ways.
        Exception: whatever a damaged file raises.
    """
    planes = slicing.planes
    if planes.z != SLICES:
        return None
    with opened() as stream, without_tifffile_log():
        seekable = _seekable(stream, name)
        if seekable.read(4) not in MAGIC:
            return None  # another format by this name
        check_chain(seekable)
        with tifffile.TiffFile(seekable, _multifile=False) as tiff:
            series = main_series(tiff, name)
            page = series.keyframe
            check_page(page, name)
            shape, axes = settled(series.axes, series.shape, page.samplesperpixel, name, planes)
            sizes = dict(zip(axes, shape, strict=True))
            along = [axis for axis in axes if axis not in "YXCS"]
            if not along:
                return None
            if not keeps_values(page, name):
                raise SegkitError(
                    "a stack of a palette, or in which 0 is white: what an image shows is not what "
                    "a mask means",
                    where=name,
                    remedy="write it as grey in which 0 is black",
                )

    def read() -> Voxels:
        with opened() as stream:
            data = _seekable(stream, name).read()
        check_bytes(len(data), "a file", name)
        return Voxels(decode_tiff(data, name, indexed=True, planes=planes, whole=True).pixels)

    return Volume(sizes[along[0]], (sizes["Y"], sizes["X"]), read)


def _seekable(stream: IO[bytes], name: str) -> IO[bytes]:
    """A file itself; of a member of an archive, in which going back is slow, its bytes."""
    if isinstance(stream, io.BufferedReader):
        return stream
    data = stream.read(most_bytes() + 1)
    check_bytes(len(data), "a file", name)
    return io.BytesIO(data)


def write_stack(path: Path, mask_SHW: NDArray[np.uint8]) -> None:
    """Write planes of classes as an uncompressed TIFF, as other programs read it."""
    tifffile.imwrite(path, mask_SHW, photometric="minisblack", metadata={"axes": "ZYX"})
