"""Bytes to pixels, and pixels to the network's size. Everything that reads an image comes here."""

import io
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from segkit.core.errors import SegkitError
from segkit.core.limits import check_memory, check_pixels
from segkit.imaging.tiff import MAGIC, decode_tiff

Pixels = NDArray[Any]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
# Two per mille at each end: bright dust and dead pixels must not set the window.
PERCENTILES = (0.2, 99.8)
_BAD_FILE = "replace the file"

# By a file's first bytes; Pillow knows forty formats more, one of which starts Ghostscript.
_FORMATS: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"\xff\xd8\xff", JpegImageFile),
    (b"BM", BmpImageFile),
    *((magic, TiffImageFile) for magic in MAGIC),
)


def decode(data: bytes, name: str, *, indexed: bool = False) -> Pixels:
    """Decode an image file as it was stored.

    Args:
        data: the bytes of a PNG, JPEG, TIFF or BMP file.
        name: what to call the file in an error.
        indexed: keep the indices of a palette image (a mask) instead of its colours.

    Returns:
        (H, W) or (H, W, C) in the stored type: bool, an integer or float; turned by no tag, see
        :func:`orientation`.

    Raises:
        SegkitError: the file is empty, truncated, not an image, or larger than the bound of
            :mod:`segkit.core.limits`.
    """
    if not data:
        raise SegkitError("an image file of zero bytes", where=name, remedy=_BAD_FILE)
    try:
        return _checked(_decode(data, name, indexed=indexed))
    except SegkitError:
        raise
    except Exception as error:  # every decoder has its own family of exceptions
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = "its content is not PNG, JPEG, TIFF or BMP"
        raise SegkitError(
            f"an image that cannot be read: {reason}", where=name, remedy=_BAD_FILE
        ) from error


def _decode(data: bytes, name: str, *, indexed: bool) -> Pixels:
    if data[:4] in MAGIC:
        return decode_tiff(data, name, indexed=indexed)
    with open_header(data) as picture:
        check_pixels(picture.height, picture.width, name)
        deep = data[:4] == b"\x89PNG" and data[24] == 16
        check_memory(picture.height, picture.width, name, deep=deep)
        # Pillow cuts 16-bit colour down to 8 bits without a word.
        if deep and data[25] in (2, 4, 6):
            picture.verify()
            return _decode_with_cv2(data)
        if picture.mode == "P" and not indexed:
            has_alpha = "transparency" in picture.info
            return np.asarray(picture.convert("RGBA" if has_alpha else "RGB"))
        if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            return np.asarray(picture.convert("RGB"))
        return np.asarray(picture)


def open_header(data: bytes) -> ImageFile:
    """A PNG, JPEG, TIFF or BMP file of which Pillow has read the header alone.

    Pillow's own bound, which is the whole process's, is neither asked nor changed:
    :mod:`segkit.core.limits` has one that can be raised.

    Raises:
        UnidentifiedImageError: it is none of these.
    """
    for magic, kind in _FORMATS:
        if data.startswith(magic):
            try:
                return kind(io.BytesIO(data))
            except SyntaxError as error:
                raise UnidentifiedImageError(str(error)) from error
    raise UnidentifiedImageError("another format")


def _checked(pixels: Pixels) -> Pixels:
    if not pixels.size:
        raise ValueError("it has no pixels")
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"its pixels are {pixels.dtype}")
    return pixels


def _decode_with_cv2(data: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("not a readable PNG")
    return np.asarray(pixels[..., [2, 1, 0]] if pixels.ndim == 3 else pixels)


def orientation(data: bytes) -> int:
    """How a viewer turns an image file: the EXIF or TIFF tag, 1 (as stored) to 8.

    segkit never turns pixels: masks, splits and predictions are all of the pixels as stored.
    """
    try:
        with open_header(data) as picture:
            tags: Any = getattr(picture, "tag_v2", None)
            if tags is None:
                # Asked for more, Pillow decodes a whole PNG to look behind its pixels.
                tags = Image.Exif()
                tags.load(picture.info.get("exif", b""))
            found = tags.get(0x0112, 1)
    except Exception:  # nobody turns what cannot be read
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def to_uint8(pixels: Pixels, name: str) -> NDArray[np.uint8]:
    """Bring an image of any depth to 0…255.

    uint8 is passed through and bool becomes 0 and 255. Any other type (12 and 16-bit
    radiographs, float intensities) is scaled image by image: the 0.2 and 99.8 percentiles
    over all its colours (alpha left out) become 0 and 255, values outside are clipped, and a
    constant image becomes 0.

    Args:
        pixels: (H, W) or (H, W, C), any real type.
        name: what to call the image in an error.

    Raises:
        SegkitError: a value is NaN or infinite, the values span more than a float holds, or
            there is none.
    """
    if not pixels.size:
        raise SegkitError("an image without pixels", where=name, remedy=_BAD_FILE)
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    if pixels.dtype == np.bool_:
        return np.where(pixels, np.uint8(255), np.uint8(0))
    if np.issubdtype(pixels.dtype, np.floating) and not np.isfinite(pixels).all():
        bad = int(np.count_nonzero(~np.isfinite(pixels)))
        raise SegkitError(
            f"{bad} pixels are NaN or infinite",
            where=name,
            remedy="write finite intensities",
        )
    colours = without_alpha(pixels)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = (float(value) for value in np.percentile(colours, PERCENTILES))
    if not np.isfinite(high - low):
        raise SegkitError(
            f"intensities from {colours.min():g} to {colours.max():g}, which cannot be scaled",
            where=name,
            remedy=_BAD_FILE,
        )
    if high <= low:
        low, high = float(colours.min()), float(colours.max())
    if high <= low:
        return np.zeros(pixels.shape, np.uint8)
    # float32 is exact for 16 bits only.
    wide: Pixels = pixels.astype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64)
    scaled = (wide - low) * (255.0 / (high - low))
    return np.asarray(np.rint(np.clip(scaled, 0.0, 255.0)), np.uint8)


def to_channels(image: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Give an image 1 or 3 channels: alpha is dropped, grey repeated, colour weighted to grey.

    Args:
        image: (H, W) or (H, W, C) uint8 with C of 1 to 4; 2 is grey and alpha, 4 is RGBA.
        channels: 1 or 3.

    Returns:
        (H, W, channels) uint8; grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
    """
    planes = image[..., None] if image.ndim == 2 else image
    if planes.shape[2] in (2, 4):
        planes = planes[..., :-1]
    if planes.shape[2] == channels:
        return np.ascontiguousarray(planes)
    if channels == 3:
        return np.repeat(planes, 3, axis=2)
    grey = cv2.cvtColor(np.ascontiguousarray(planes), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.uint8)[..., None]


def resize_image(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize (H, W, C) uint8 to ``size`` (rows, columns): area average down, bilinear up."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, (size[1], size[0]), interpolation=method)
    return np.asarray(resized, np.uint8).reshape(*size, image.shape[2])


def network_input(
    image: NDArray[np.uint8], channels: int, size: tuple[int, int] | None
) -> NDArray[np.uint8]:
    """An image as a network takes it, for training as for prediction.

    Args:
        image: (H, W) or (H, W, C) uint8; see :func:`to_channels`.
        channels: of the network.
        size: rows and columns of the network; None keeps the image's own.

    Returns:
        (rows, columns, channels) uint8.
    """
    planes = to_channels(image, channels)
    return resize_image(planes, size) if size else planes


_Mask = TypeVar("_Mask", np.uint8, np.int32)


def resize_mask(mask: NDArray[_Mask], size: tuple[int, int]) -> NDArray[_Mask]:
    """Resize (H, W) class indices or labels to ``size`` (rows, columns) by the nearest centre."""
    if mask.shape == size:
        return mask
    # As bytes: builds of OpenCV differ in whether they take int32, and floats would round labels.
    stored = np.ascontiguousarray(mask)[..., None].view(np.uint8)
    resized = cv2.resize(stored, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.ascontiguousarray(resized.reshape(*size, -1)).view(mask.dtype)[..., 0]


def without_alpha(pixels: Pixels) -> Pixels:
    """(H, W) or (H, W, C) of 1 to 4 channels as (H, W) or (H, W, 3); 2 and 4 end in alpha."""
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels = pixels[..., :-1]
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
