"""Bytes to pixels, and pixels to the network's size. Everything that reads an image comes here."""

import io
import struct
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from segkit.errors import SegkitError

Pixels = NDArray[Any]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
# Two per mille at each end: bright dust and dead pixels must not set the window.
PERCENTILES = (0.2, 99.8)
_BAD_FILE = "replace the file, or leave it out with dataset.on_bad_record=skip"

# A whole-slide export is larger than Pillow's default bound against decompression bombs; it
# warns above the bound and refuses above twice as much.
Image.MAX_IMAGE_PIXELS = 2**30


def decode(data: bytes, name: str, *, indexed: bool = False) -> Pixels:
    """Decode an image file as it was stored.

    Args:
        data: the bytes of a PNG, JPEG, TIFF or BMP file.
        name: what to call the file in an error.
        indexed: keep the indices of a palette image (a mask) instead of its colours.

    Returns:
        (H, W) or (H, W, C) in the stored type: bool, uint8, uint16, int32 or float.

    Raises:
        SegkitError: the file is empty, truncated, or not an image.
    """
    if not data:
        raise SegkitError("an image file of zero bytes", where=name, remedy=_BAD_FILE)
    try:
        return _decode(data, indexed=indexed)
    except Exception as error:  # every decoder has its own family of exceptions
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = "its content is not PNG, JPEG, TIFF or BMP"
        raise SegkitError(
            f"an image that cannot be read: {reason}", where=name, remedy=_BAD_FILE
        ) from error


def _decode(data: bytes, *, indexed: bool) -> Pixels:
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return _decode_tiff(data, indexed=indexed)
    with Image.open(io.BytesIO(data)) as picture:
        # Pillow cuts 16-bit colour down to 8 bits without a word.
        deep_colour = data[:4] == b"\x89PNG" and data[24] == 16 and data[25] in (2, 4, 6)
        if deep_colour:
            picture.verify()
            return _decode_with_cv2(data)
        if picture.mode == "P" and not indexed:
            has_alpha = "transparency" in picture.info
            return np.asarray(picture.convert("RGBA" if has_alpha else "RGB"))
        if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            return np.asarray(picture.convert("RGB"))
        return np.asarray(picture)


def _decode_with_cv2(data: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("not a readable PNG")
    return np.asarray(pixels[..., [2, 1, 0]] if pixels.ndim == 3 else pixels)


def _decode_tiff(data: bytes, *, indexed: bool) -> Pixels:
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        if not len(tiff.pages):
            raise ValueError("a TIFF file without a page")
        series = tiff.series[0]
        _refuse_truncated(tiff, data)
        pixels = np.asarray(series.asarray())
        axes = series.axes
        palette = None if indexed else series.keyframe.colormap
    kept = [i for i, axis in enumerate(axes) if axis in "YX" or pixels.shape[i] != 1]
    planar = "".join(axes[i] for i in kept) in ("SYX", "CYX")
    pixels = pixels.reshape([pixels.shape[i] for i in kept])
    if pixels.ndim == 3 and planar and pixels.shape[0] <= 4:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] > 4):
        raise ValueError(
            f"a stack of shape {pixels.shape}; segkit reads one plane of 1 to 4 channels"
        )
    if palette is not None and pixels.ndim == 2:
        # The standard says 16 bits a colour; some writers store 8.
        colours = (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)
        return np.moveaxis(colours[:, pixels], 0, -1)
    return pixels


def _refuse_truncated(tiff: tifffile.TiffFile, data: bytes) -> None:
    """Tifffile fills what is missing from a file that was cut off, and only logs it."""
    ends = []
    pages: list[Any] = [page for page in tiff.series[0].pages if page is not None]
    for page in pages:
        segments = zip(page.dataoffsets, page.databytecounts, strict=False)
        ends += [start + count for start, count in segments]
        if page.keyframe.samplesperpixel > 1 and 258 not in page.keyframe.tags:
            raise ValueError("a TIFF file that lost its bit depth")
    words = tiff.tiff
    last = tiff.pages[-1].offset
    (tags,) = struct.unpack_from(words.tagnoformat, data, last)
    (following,) = struct.unpack_from(
        words.offsetformat, data, last + words.tagnosize + tags * words.tagsize
    )
    if not ends or max(ends) > len(data) or following >= len(data):
        raise ValueError("a TIFF file that was cut off")


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
        SegkitError: a value is NaN or infinite.
    """
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    if pixels.dtype == np.bool_:
        return np.where(pixels, np.uint8(255), np.uint8(0))
    if np.issubdtype(pixels.dtype, np.floating) and not np.isfinite(pixels).all():
        bad = int(np.count_nonzero(~np.isfinite(pixels)))
        raise SegkitError(
            f"{bad} pixels are NaN or infinite",
            where=name,
            remedy="write finite intensities, or leave the image out with "
            "dataset.on_bad_record=skip",
        )
    colours = without_alpha(pixels)
    low, high = np.percentile(colours, PERCENTILES)
    if high <= low:
        low, high = float(colours.min()), float(colours.max())
    if high <= low:
        return np.zeros(pixels.shape, np.uint8)
    # float32 is exact for 16 bits only.
    wide: Pixels = pixels.astype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64)
    scaled = (wide - float(low)) * float(255.0 / (high - low))
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


def resize_mask(mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize (H, W) uint8 class indices to ``size`` (rows, columns) by the nearest pixel centre."""
    if mask.shape == size:
        return mask
    resized = cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, np.uint8)


def without_alpha(pixels: Pixels) -> Pixels:
    """(H, W) or (H, W, C) of 1 to 4 channels as (H, W) or (H, W, 3); 2 and 4 end in alpha."""
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels = pixels[..., :-1]
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
