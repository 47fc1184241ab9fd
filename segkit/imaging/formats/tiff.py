"""TIFF and BigTIFF; how they are decoded: :mod:`segkit.imaging.tiff`."""

from PIL.TiffImagePlugin import TiffImageFile

from segkit.imaging.formats.base import Format, Picture
from segkit.imaging.tiff import MAGIC, decode_tiff


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    return decode_tiff(data, name, indexed=indexed)


FORMAT = Format("TIFF", (".tif", ".tiff"), lambda head: head[:4] in MAGIC, _read, TiffImageFile)
