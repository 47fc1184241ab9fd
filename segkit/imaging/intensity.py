"""Stored values to 0…255: the window that a rule takes, and what it makes of pixels.

A window reaches from the darkest to the brightest value after a median over 3×3 pixels. That
removes what is single: hot and dead pixels, dust. It keeps objects of a few pixels, however few
they are. Since a median is one of the values, it commutes with every change of depth: one
picture in 8 bits, 16 bits and floats becomes the same 0…255.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.intensity import IMAGE, STANDARD, STORED, Intensity
from segkit.imaging.standard import Sample

Pixels = NDArray[Any]
Bytes = NDArray[np.uint8]
# Of the rule of earlier versions: two per mille at each end.
PERCENTILES = (0.2, 99.8)
# Rows that are looked at in one piece; the window does not depend on it.
BAND = 512


@dataclass(frozen=True, slots=True)
class Window:
    """The stored values that become 0 and 255.

    Attributes:
        low, high: one for all channels, or one a channel; where high is not above low, all is 0.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]


Rule = Intensity | Window


@dataclass(slots=True)
class Extremes:
    """Darkest and brightest values of each channel, over any number of bands and images.

    Attributes:
        raw, clean: lowest and highest as stored, and of medians over 3×3 pixels; a pair a channel.
    """

    raw: list[tuple[float, float]] = field(default_factory=list)
    clean: list[tuple[float, float]] = field(default_factory=list)

    def add(self, pixels: Pixels) -> None:
        """Take in a whole image, (H, W) or (H, W, C), finite."""
        self.add_bands(pixels[top : top + BAND] for top in range(0, len(pixels), BAND))

    def add_bands(self, bands: Iterable[Pixels]) -> None:
        """Take in an image of which some rows are given at a time, from the top, without a gap."""
        # The last two rows: one that waits for the row below, and the one above it.
        held: Pixels | None = None
        for band in bands:
            rows = band if held is None else np.concatenate([held, band])
            self._add(rows, above=0 if held is None else len(held) - 1, below=1)
            held = rows[-2:]
        if held is not None:
            self._add(held, above=len(held) - 1, below=0)

    def _add(self, pixels: Pixels, *, above: int, below: int) -> None:
        """Rows of which the first and last ones are there as neighbours only."""
        if len(pixels) <= above + below:
            return
        planes = pixels[..., None] if pixels.ndim == 2 else pixels
        rows = slice(above, len(planes) - below)
        raw = [_ends(planes[rows, :, at]) for at in range(planes.shape[2])]
        clean = [_ends(_median(planes[..., at])[rows]) for at in range(planes.shape[2])]
        self.raw, self.clean = _joined(self.raw, raw), _joined(self.clean, clean)

    def window(self, rule: Rule) -> Window:
        """Of all channels together, or of each; of what is nothing but dust, the values themselves.

        Args:
            rule: ``image``, ``channel`` or ``group``.
        """
        raw, clean = self.raw, self.clean
        if rule == IMAGE:
            raw, clean = ([(min(a for a, _ in e), max(b for _, b in e))] for e in (raw, clean))
        used = [c if c[1] > c[0] else r for c, r in zip(clean, raw, strict=True)]
        return _window(used)


class _Standard(Sample):
    """What :class:`Extremes` is, of another rule."""

    def window(self, rule: Rule) -> Window:
        """Of each channel by itself; ``rule`` is ``standard``."""
        assert rule == STANDARD
        return _window(self.ends())


def watch(rule: Rule) -> Extremes | _Standard:
    """What looks at images, or at bands of one, and then has the window that a rule takes."""
    return _Standard() if rule == STANDARD else Extremes()


def _window(ends: list[tuple[float, float]]) -> Window:
    return Window(tuple(low for low, _ in ends), tuple(high for _, high in ends))


def _ends(plane: Pixels) -> tuple[float, float]:
    return float(plane.min()), float(plane.max())


def _joined(
    before: list[tuple[float, float]], now: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    if not before:
        return now
    pairs = zip(before, now, strict=True)
    return [(min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs]


def _median(plane: Pixels) -> Pixels:
    """Medians over 3×3 pixels, the edge repeated; types that OpenCV lacks lose digits."""
    if plane.dtype in (np.uint8, np.uint16, np.int16, np.float32):
        return np.asarray(cv2.medianBlur(np.ascontiguousarray(plane), 3))
    if plane.dtype.itemsize <= 2:  # int8, half floats
        return _median(plane.astype(np.float32))
    low, high = _ends(plane)
    if not 0 < high - low < np.inf:
        return plane
    # Offsets matter: float32 tells 10^9 and 10^9 + 1 not apart.
    share = ((plane.astype(np.float64) - low) / (high - low)).astype(np.float32)
    return np.asarray(low + _median(share).astype(np.float64) * (high - low))


def fixed(rule: Rule) -> Window | None:
    """The window that a rule takes of any image; None where it depends on the pixels."""
    if isinstance(rule, tuple):
        return Window(rule[:1], rule[1:])
    return rule if isinstance(rule, Window) else None


def window_of(pixels: Pixels, rule: Rule, name: str) -> Window:
    """The window that a rule takes of one image.

    Args:
        pixels: (H, W) or (H, W, C), any real type; not empty.
        rule: a window stays as it is; ``group`` is that of this image, each channel by itself.
        name: what to call the image in an error.

    Raises:
        SegkitError: a value is NaN or infinite, or the values span more than a float holds.
    """
    _check_finite(pixels, name)
    if (window := fixed(rule)) is not None:
        return window
    if rule == STORED:
        window = _stored_window(pixels)
    else:
        seen = watch(rule)
        seen.add(as_numbers(pixels))
        window = seen.window(rule)
    return spanned(window, name)


def spanned(window: Window, name: str) -> Window:
    """The window itself.

    Raises:
        SegkitError: its values span more than a float holds.
    """
    for low, high in zip(window.low, window.high, strict=True):
        if not np.isfinite(high - low):
            raise SegkitError(
                f"intensities from {low:g} to {high:g}, which cannot be scaled",
                where=name,
                remedy="replace the file",
            )
    return window


def _stored_window(pixels: Pixels) -> Window:
    if pixels.dtype.itemsize == 1 and pixels.dtype.kind in "bu":
        return Window((0.0,), (1.0 if pixels.dtype == np.bool_ else 255.0,))
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = (float(value) for value in np.percentile(pixels, PERCENTILES))
    return Window((low,), (high,)) if high > low else Window(*((end,) for end in _ends(pixels)))


def _check_finite(pixels: Pixels, name: str) -> None:
    if np.issubdtype(pixels.dtype, np.floating) and not np.isfinite(pixels).all():
        bad = int(np.count_nonzero(~np.isfinite(pixels)))
        raise SegkitError(
            f"{bad} pixels are NaN or infinite",
            where=name,
            remedy="write finite intensities",
        )


def as_numbers(pixels: Pixels) -> Pixels:
    """Of bits 0 and 1; anything else as it is."""
    return pixels.view(np.uint8) if pixels.dtype == np.bool_ else pixels


def scaled(pixels: Pixels, window: Window) -> Bytes:
    """What a window makes of pixels: low becomes 0, high 255, what lies beyond is clipped.

    Args:
        pixels: (H, W) or (H, W, C), any real type.
        window: for all channels, or with as many as there are.
    """
    pixels = as_numbers(pixels)
    if len(window.low) == 1:
        return _through(pixels, window.low[0], window.high[0])
    found = np.empty(pixels.shape, np.uint8)
    for at, *ends in zip(range(pixels.shape[-1]), window.low, window.high, strict=True):
        found[..., at] = _through(pixels[..., at], *ends)
    return found


def _through(pixels: Pixels, low: float, high: float) -> Bytes:
    if high <= low:
        return np.zeros(pixels.shape, np.uint8)
    if pixels.dtype == np.uint8:
        if (low, high) == (0, 255):
            return np.asarray(pixels, np.uint8)
        every = np.arange(256, dtype=np.float32)
        return np.asarray(_lined(every, low, high)[pixels], np.uint8)
    # float32 is exact for 16 bits only.
    return _lined(
        pixels.astype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64), low, high
    )


def _lined(wide: Pixels, low: float, high: float) -> Bytes:
    line = (wide - low) * (255.0 / (high - low))
    return np.asarray(np.rint(np.clip(line, 0.0, 255.0)), np.uint8)
