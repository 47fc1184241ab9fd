"""PNG: 1 to 16 bits, grey, colour or palette, with or without alpha."""

import cv2
import numpy as np
from PIL.PngImagePlugin import PngImageFile

from segkit.imaging.formats.base import Format, Picture, Pixels, split_alpha
from segkit.imaging.formats.pillow import opened, stored

_MAGIC = b"\x89PNG\r\n\x1a\n"
# Kinds of colour, which the header names: grey and alpha, RGB, RGBA.
_RGB, _GREY_ALPHA, _RGBA = 2, 4, 6


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    bits, colour = data[24], data[25]
    with opened(PngImageFile, data, name, deep=bits == 16) as picture:
        # Pillow cuts 16-bit colour down to 8 bits without a word.
        if bits == 16 and colour in (_RGB, _GREY_ALPHA, _RGBA):
            picture.verify()
            pixels = _with_cv2(data)
            # OpenCV makes alpha of a colour that is said to be transparent; Pillow does not.
            return Picture(pixels[..., :3]) if colour == _RGB else split_alpha(pixels)
        return stored(picture, indexed=indexed)


def _with_cv2(data: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("not a readable PNG")
    # Blue comes first, and alpha last.
    return np.asarray(pixels[..., [2, 1, 0, 3][: pixels.shape[2]]])


FORMAT = Format("PNG", (".png",), lambda head: head.startswith(_MAGIC), _read, PngImageFile)
