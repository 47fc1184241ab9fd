"""BMP: 1 to 8 bits a channel."""

from PIL.BmpImagePlugin import BmpImageFile

from segkit.imaging.formats.base import Format, Picture
from segkit.imaging.formats.pillow import opened, stored


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    with opened(BmpImageFile, data, name) as picture:
        return stored(picture, indexed=indexed)


FORMAT = Format("BMP", (".bmp",), lambda head: head.startswith(b"BM"), _read, BmpImageFile)
