"""What Pillow reads, as it is stored."""

import io

import numpy as np
from PIL.ImageFile import ImageFile

from segkit.core.limits import check_memory, check_pixels
from segkit.imaging.formats.base import Picture, split_alpha


def opened(kind: type[ImageFile], data: bytes, name: str, *, deep: bool = False) -> ImageFile:
    """A file whose header has been read, and found to be within the bounds.

    Raises:
        SegkitError: more pixels than :mod:`segkit.core.limits` allows.
    """
    picture = kind(io.BytesIO(data))
    check_pixels(picture.height, picture.width, name)
    check_memory(picture.height, picture.width, name, deep=deep)
    return picture


def stored(picture: ImageFile, *, indexed: bool) -> Picture:
    """The pixels of an opened file; colours of other spaces as RGB."""
    if picture.mode == "P" and indexed:
        return Picture(np.asarray(picture))
    if picture.mode in ("P", "PA"):
        transparent = picture.mode == "PA" or "transparency" in picture.info
        if transparent:
            return split_alpha(np.asarray(picture.convert("RGBA")))
        return Picture(np.asarray(picture.convert("RGB")))
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        return Picture(np.asarray(picture.convert("RGB")))
    pixels = np.asarray(picture)
    return split_alpha(pixels) if picture.mode in ("LA", "RGBA") else Picture(pixels)
