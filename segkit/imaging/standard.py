"""A window by mean and standard deviation: bright fat, eyes and clips do not decide it.

Of brain MRI the brightest voxels are often not the brain's. A window that reaches up to them leaves
the brain of one patient at a third of another's, and its tumour is answered with nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What mean and one standard deviation of the foreground become, of 0…255.
MEAN, DEVIATION = 90.0, 38.0
# Foreground is brighter than this share of the range, in any channel.
FOREGROUND = 0.1
# Of all values, and of those of the foreground, in percent: beyond them lies what is odd.
_RANGE, _TRIMMED = (0.2, 99.8), (1.0, 99.0)
# Columns that are looked at, and rows as far apart.
_LOOKED_AT = 128


@dataclass(slots=True)
class Sample:
    """Pixels on a grid over any number of bands and images, all channels of each."""

    seen: list[NDArray[Any]] = field(default_factory=list)

    def add(self, pixels: NDArray[Any]) -> None:
        """Take in a whole image, (H, W) or (H, W, C), finite."""
        self.add_bands([pixels])

    def add_bands(self, bands: Iterable[NDArray[Any]]) -> None:
        """Take in an image of which some rows are given at a time, from the top, without a gap."""
        top = 0
        for band in bands:
            step = -(-band.shape[1] // _LOOKED_AT)
            planes = band[-top % step :: step, ::step]
            channels = 1 if band.ndim == 2 else band.shape[2]
            wide = np.float32 if band.dtype.itemsize <= 2 else np.float64  # exact for 16 bits
            self.seen.append(planes.reshape(-1, channels).astype(wide))
            top += len(band)

    def ends(self) -> list[tuple[float, float]]:
        """What becomes 0 and 255, a pair a channel: its ends where the foreground has one value."""
        if not self.seen:
            return []
        pixels = np.concatenate(self.seen)
        low, high = (float(value) for value in np.percentile(pixels, _RANGE))
        if not math.isfinite(high - low):  # which whoever asks refuses
            return [(low, high)] * pixels.shape[1]
        foreground = pixels.max(axis=1) > low + FOREGROUND * (high - low)
        kept = pixels[foreground] if foreground.any() else pixels
        pairs = zip(kept.T.astype(np.float64), pixels.T, strict=True)
        return [_ends(own, every) for own, every in pairs]


def _ends(values: NDArray[np.float64], every: NDArray[Any]) -> tuple[float, float]:
    trimmed = np.clip(values, *np.percentile(values, _TRIMMED))
    if trimmed[0] == trimmed.min() == trimmed.max():  # bits, say
        return float(every.min()), float(every.max())
    mean, deviation = float(trimmed.mean()), float(trimmed.std())
    return mean - MEAN / DEVIATION * deviation, mean + (255 - MEAN) / DEVIATION * deviation
