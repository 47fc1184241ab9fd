"""The window of an image of which only some rows are in memory."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.intensity import STORED
from segkit.imaging.intensity import BAND, PERCENTILES, Pixels, Rule, Window, fixed, watch


def window_of_rows(
    read: Callable[[int, int], Pixels], height: int, rule: Rule, kind: np.dtype[Any]
) -> Window:
    """The stored values that a rule makes 0 and 255, as ``window_of`` of a whole image has them.

    Args:
        read: gives rows, from one to another: (h, W) or (h, W, C).
        height: how many there are.
        rule: with ``stored`` of 16 bits, or of 8, which stay as they are.
        kind: of the values.
    """
    if (window := fixed(rule)) is not None:
        return window
    bands = (read(top, min(top + BAND, height)) for top in range(0, height, BAND))
    if rule == STORED:
        return _percentile_window(bands, signed=kind == np.int16)
    seen = watch(rule)
    seen.add_bands(bands)
    return seen.window(rule)


def _percentile_window(bands: Iterable[Pixels], *, signed: bool) -> Window:
    """Of 16 bits: to the last bit NumPy's."""
    counts = np.zeros(2**16, np.int64)
    # Rising order begins at the lowest value of the type.
    lowest = 2**15 if signed else 0
    for band in bands:
        counts += np.bincount((band.astype(np.int32) + lowest).ravel(), minlength=2**16)
    values = np.arange(2**16) - lowest
    low, high = (_percentile(counts, values, q) for q in PERCENTILES)
    if high <= low:
        low, high = (float(values[np.flatnonzero(counts)[end]]) for end in (0, -1))
    return Window((low,), (high,))


def _percentile(counts: NDArray[np.int64], values: NDArray[np.int64], percent: float) -> float:
    """As numpy.percentile does it, between the two nearest of the sorted values."""
    upto = np.cumsum(counts)
    place = percent / 100 * (int(upto[-1]) - 1)
    below = int(np.floor(place))
    a, b = (float(values[np.searchsorted(upto, rank, "right")]) for rank in (below, below + 1))
    share = place - below
    return a + (b - a) * share if share < 0.5 else b - (b - a) * (1 - share)
