"""What a file says of its axes and channels, beside its pixels."""

from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import tifffile

from segkit.imaging.channel_names import channel_names
from segkit.imaging.quiet import without_tifffile_log
from segkit.imaging.tiff import main_series
from segkit.imaging.tiff_checks import MAGIC, check_chain


@dataclass(frozen=True, slots=True)
class Layout:
    """Of an image file.

    Attributes:
        axes: a letter for each of more than one place, and for rows and columns: S are samples of
            a pixel, I and Q are not known. Empty where a file says nothing.
        channels: what it calls its channels: all of them, or none.
    """

    axes: str = ""
    channels: tuple[str, ...] = ()


UNTOLD = Layout()


def tiff_layout(stream: IO[bytes]) -> Layout:
    """What a TIFF says; nothing of a file of another kind, or one that cannot be read."""
    with suppress(Exception):  # reading its pixels says what is wrong with it
        if stream.read(4) in MAGIC:
            check_chain(stream)
            with without_tifffile_log(), tifffile.TiffFile(stream, _multifile=False) as tiff:
                series = main_series(tiff, "")
                sizes = dict(zip(series.axes, series.shape, strict=True))
                axes = "".join(axis for axis, n in sizes.items() if axis in "YX" or n > 1)
                count = sizes.get("C", 1) * sizes.get("S", 1)
                return Layout(axes, channel_names(tiff, series, (count,)))
    return UNTOLD
