"""TIFF and BigTIFF; how they are decoded: :mod:`segkit.imaging.tiff`."""

from PIL.TiffImagePlugin import TiffImageFile

from segkit.core.planes import PLAIN, Planes
from segkit.imaging.formats.base import Format, Picture
from segkit.imaging.tiff import decode_tiff
from segkit.imaging.tiff_checks import MAGIC
from segkit.imaging.tiff_volume import open_stack


def _read(data: bytes, name: str, indexed: bool, planes: Planes = PLAIN) -> Picture:
    return decode_tiff(data, name, indexed=indexed, planes=planes)


FORMAT = Format(
    "TIFF",
    (".tif", ".tiff", ".ome.tif", ".ome.tiff"),
    lambda head: head[:4] in MAGIC,
    _read,
    TiffImageFile,
    stack=_read,
    volume=open_stack,
)
