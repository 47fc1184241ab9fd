"""GIF: up to 256 colours; of an animation the first frame."""

from PIL.GifImagePlugin import GifImageFile

from segkit.imaging.formats.base import Format, Picture
from segkit.imaging.formats.pillow import opened, stored


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    with opened(GifImageFile, data, name) as picture:
        return stored(picture, indexed=indexed)


def _known(head: bytes) -> bool:
    return head.startswith((b"GIF87a", b"GIF89a"))


FORMAT = Format("GIF", (".gif",), _known, _read, GifImageFile)
