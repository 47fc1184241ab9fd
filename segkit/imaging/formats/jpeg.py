"""JPEG: 8 bits, grey or colour."""

from PIL.JpegImagePlugin import JpegImageFile

from segkit.imaging.formats.base import Format, Picture
from segkit.imaging.formats.pillow import opened, stored


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    with opened(JpegImageFile, data, name) as picture:
        return stored(picture, indexed=indexed)


def _known(head: bytes) -> bool:
    return head.startswith(b"\xff\xd8\xff")


FORMAT = Format("JPEG", (".jpg", ".jpeg"), _known, _read, JpegImageFile)
