"""Colours of other spaces as RGB: CMYK, YCbCr and Lab as TIFF 6.0 defines them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]

# Pixels that are converted at once: what is between the spaces is wide.
_AT_ONCE = 2**18
_BT601 = (0.299, 0.587, 0.114)
# CIE D50, which TIFF and ICC refer Lab to, and from there to linear sRGB (Bradford).
_D50 = (0.96422, 1.0, 0.82521)
_TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)


def cmyk_to_rgb(inks: Pixels, *, top: int) -> Pixels:
    """(..., 4) unsigned inks, of which 0 is none and ``top`` all, as (..., 3) of the same type.

    Red is what cyan and black leave over, rounded, as Pillow and OpenCV have it.
    """

    def convert(some: Pixels) -> Pixels:
        left = top - np.minimum(some, top).astype(np.int64)
        return (left[:, :3] * left[:, 3:] + top // 2) // top

    return _in_parts(convert, _unsigned(inks), top)


def ycbcr_to_rgb(
    samples: Pixels,
    *,
    top: int,
    weights: tuple[float, ...] | None,
    reference: tuple[float, ...] | None,
) -> Pixels:
    """(..., 3) unsigned YCbCr as (..., 3) RGB of the same type.

    Args:
        samples: from 0 to ``top``.
        top: of the type.
        weights: of red, green and blue in luma; None is those of ITU-R BT.601.
        reference: black and white of each sample; None is the full range.
    """
    red, green, blue = weights or _BT601
    half = (top + 1) / 2
    low = np.array((reference or (0, top, half, top, half, top))[::2], np.float32)
    high = np.array((reference or (0, top, half, top, half, top))[1::2], np.float32)
    if not green or (high == low).any():
        raise ValueError("a damaged tag of YCbCr")
    scale = np.array([top, half - 1, half - 1], np.float32) / (high - low)

    def convert(some: Pixels) -> Pixels:
        luma, cb, cr = np.moveaxis((some.astype(np.float32) - low) * scale, -1, 0)
        r = luma + cr * (2 - 2 * red)
        b = luma + cb * (2 - 2 * blue)
        return np.stack([r, (luma - red * r - blue * b) / green, b], axis=-1)

    return _in_parts(convert, _unsigned(samples), top)


def lab_to_rgb(samples: Pixels, *, icc: bool) -> Pixels:
    """(..., 3) Lab of 8 or 16 bits as (..., 3) sRGB of as many.

    Args:
        samples: L from 0; a and b are signed, or count from the middle (``icc``).
        icc: ICCLab instead of CIELab.
    """
    stored = _unsigned(samples)
    wide = stored.dtype.itemsize == 2
    one, top = (256, 65535) if wide else (1, 255)
    white, middle = (65280 if icc and wide else top), 128 * one

    def convert(some: Pixels) -> Pixels:
        lightness = some[:, 0] * np.float32(100 / white)
        # What is signed wraps round; moved by the middle it counts up as ICCLab does.
        codes = some[:, 1:] if icc else some[:, 1:] + some.dtype.type(middle)
        a, b = (codes.astype(np.float32).T - middle) / one
        y = (lightness + 16) / 116
        xyz = np.stack([_cube(y + a / 500), _cube(y), _cube(y - b / 200)], axis=-1) * _D50
        linear = np.clip(xyz @ np.transpose(_TO_SRGB), 0, 1)
        curved = 1.055 * linear ** (1 / 2.4) - 0.055
        return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curved) * top)

    return _in_parts(convert, stored, top)


def _cube(values: Pixels) -> Pixels:
    """The inverse of CIE's cube root, which is a line near 0."""
    return np.where(values > 6 / 29, values**3, 3 * (6 / 29) ** 2 * (values - 4 / 29))


def _unsigned(samples: Pixels) -> Pixels:
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8)
    return np.ascontiguousarray(samples).view(f"u{samples.dtype.itemsize}")


def _in_parts(convert: Callable[[Pixels], Pixels], samples: Pixels, top: float) -> Pixels:
    """Convert (..., S) some pixels at a time, rounded, within 0…``top``."""
    flat = samples.reshape(-1, samples.shape[-1])
    out = np.empty((len(flat), 3), samples.dtype)
    for start in range(0, len(flat), _AT_ONCE):
        some = convert(flat[start : start + _AT_ONCE])
        out[start : start + _AT_ONCE] = np.rint(np.clip(some, 0, top))
    return out.reshape(*samples.shape[:-1], 3)
