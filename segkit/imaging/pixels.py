"""Bytes to pixels, and pixels to the network's size. Everything that reads an image comes here."""

import io
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from segkit.core.channels import Channels
from segkit.core.errors import SegkitError
from segkit.imaging.channels import to_channels
from segkit.imaging.formats.base import Picture
from segkit.imaging.formats.registry import format_names, format_of

Pixels = NDArray[Any]
Window = tuple[float, float]

# Two per mille at each end: bright dust and dead pixels must not set the window.
PERCENTILES = (0.2, 99.8)
_BAD_FILE = "replace the file"


def decode(data: bytes, name: str, *, indexed: bool = False) -> Pixels:
    """Decode an image file as it was stored; see :func:`decode_picture`.

    Returns:
        (H, W) or (H, W, C) in the stored type: bool, an integer or float; without alpha.
    """
    return decode_picture(data, name, indexed=indexed).pixels


def decode_picture(data: bytes, name: str, *, indexed: bool = False) -> Picture:
    """Decode an image file.

    Args:
        data: the bytes of a file of one of :mod:`segkit.imaging.formats`.
        name: what to call the file in an error.
        indexed: keep the indices of a palette image (a mask) instead of its colours.

    Returns:
        Its pixels in the stored type; turned by no tag, see :func:`orientation`.

    Raises:
        SegkitError: the file is empty, truncated, not an image, or larger than the bound of
            :mod:`segkit.core.limits`.
    """
    if not data:
        raise SegkitError("an image file of zero bytes", where=name, remedy=_BAD_FILE)
    try:
        return _checked(data, name, indexed=indexed)
    except SegkitError:
        raise
    except Exception as error:  # every decoder has its own family of exceptions
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise SegkitError(
            f"an image that cannot be read: {reason}", where=name, remedy=_BAD_FILE
        ) from error


def open_header(data: bytes) -> ImageFile:
    """An image file of which Pillow has read the header alone.

    Pillow's own bound, which is the whole process's, is neither asked nor changed:
    :mod:`segkit.core.limits` has one that can be raised.

    Raises:
        UnidentifiedImageError: it is of no format that Pillow is asked for.
    """
    found = format_of(data)
    if found is None or found.header is None:
        raise UnidentifiedImageError("another format")
    try:
        return found.header(io.BytesIO(data))
    except SyntaxError as error:
        raise UnidentifiedImageError(str(error)) from error


def _checked(data: bytes, name: str, *, indexed: bool) -> Picture:
    if (found := format_of(data)) is None:
        raise ValueError(f"its content is not {format_names()}")
    picture = found.read(data, name, indexed)
    pixels = picture.pixels
    if not pixels.size:
        raise ValueError("it has no pixels")
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"its pixels are {pixels.dtype}")
    return picture


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


def to_uint8(pixels: Pixels, name: str, window: Window | None = None) -> NDArray[np.uint8]:
    """Bring an image of any depth to 0…255.

    uint8 is passed through and bool becomes 0 and 255. Any other type (12 and 16-bit
    radiographs, float intensities) is scaled image by image: the 0.2 and 99.8 percentiles
    over all its channels become 0 and 255, values outside are clipped, and a constant image
    becomes 0.

    Args:
        pixels: (H, W) or (H, W, C), any real type.
        name: what to call the image in an error.
        window: what becomes 0 and 255 instead: that of the whole volume, of a slice.

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
    low, high = window or window_of(pixels, name)
    if high <= low:
        return np.zeros(pixels.shape, np.uint8)
    # float32 is exact for 16 bits only.
    wide: Pixels = pixels.astype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64)
    scaled = (wide - low) * (255.0 / (high - low))
    return np.asarray(np.rint(np.clip(scaled, 0.0, 255.0)), np.uint8)


def window_of(pixels: Pixels, name: str) -> Window:
    """What becomes 0 and 255 of an image, or of all slices of a volume: see :func:`to_uint8`.

    Raises:
        SegkitError: a value is NaN or infinite, or the values span more than a float holds.
    """
    if np.issubdtype(pixels.dtype, np.floating) and not np.isfinite(pixels).all():
        bad = int(np.count_nonzero(~np.isfinite(pixels)))
        raise SegkitError(
            f"{bad} pixels are NaN or infinite",
            where=name,
            remedy="write finite intensities",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = (float(value) for value in np.percentile(pixels, PERCENTILES))
    if not np.isfinite(high - low):
        raise SegkitError(
            f"intensities from {pixels.min():g} to {pixels.max():g}, which cannot be scaled",
            where=name,
            remedy=_BAD_FILE,
        )
    if high <= low:
        low, high = float(pixels.min()), float(pixels.max())
    return low, high


def resize_image(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize (H, W, C) uint8 to ``size`` (rows, columns): area average down, bilinear up."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, (size[1], size[0]), interpolation=method)
    return np.asarray(resized, np.uint8).reshape(*size, image.shape[2])


def network_input(
    image: NDArray[np.uint8],
    channels: Channels,
    size: tuple[int, int] | None,
    name: str = "image",
) -> NDArray[np.uint8]:
    """An image as a network takes it, for training as for prediction.

    Args:
        image: (H, W) or (H, W, C) uint8; see :func:`segkit.imaging.channels.to_channels`.
        channels: of the network.
        size: rows and columns of the network; None keeps the image's own.
        name: what to call the image in an error.

    Returns:
        (rows, columns, channels) uint8.

    Raises:
        SegkitError: the image has other channels.
    """
    planes = to_channels(image, channels, name)
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
