"""Objects of an image of any height, in bands from the top down."""

from collections.abc import Iterable, Iterator

import numpy as np

from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.watershed import (
    BLUR,
    Labels,
    Maps,
    first_pixels,
    grow,
)

# Of a view, unless the halo is too high for it; each takes some hundred bytes. An image of fewer is
# one view, and has no seam.
_PIXELS = 10**7
# Rows that a row of tiles takes beside it in memory, with what the network makes of them.
_BESIDE = 200


def decode_bands(
    bands: Iterable[Maps], settings: Settings, halo: int
) -> Iterator[tuple[Maps, Labels]]:
    """Do as :func:`segkit.tasks.instance.watershed.decode` of maps that come in bands.

    Rows are labelled with a halo above and below in view. Every pixel is labelled once, and an
    object is known again in the next view by its seed's first pixel, so where no object is taller
    than the halo the labels are those of ``decode`` of the whole; and always where the image is one
    view, see :func:`view_rows`. A taller one keeps its label as far as its seed goes on; where that
    has left the view, what is left of it is cut.

    Args:
        bands: (3, h, W) each, from the top down, of one width and any heights.
        settings: of the decoder.
        halo: rows, at least 1: the height of the largest object.

    Yields:
        Maps (3, h', W) and labels (h', W) of the next rows, some halos later than they came.

    Raises:
        ValueError: the halo is below 1.
    """
    if halo < 1:
        raise ValueError(f"a halo is at least 1 row, got {halo}")
    margin = halo + BLUR
    known = _Known()
    top = 0
    for view, last in _views(bands, halo):
        rows = view.shape[1]
        core = slice(margin if top else 0, rows if last else rows - margin)
        # Where rows are missing the smoothed values are others.
        seen = slice(BLUR if top else 0, rows if last else rows - BLUR)
        labels, seeds = grow(view, settings, seen)
        within = slice(core.start - seen.start, core.stop - seen.start)
        numbers = known.number(seeds, labels[within], top + seen.start)
        yield view[:, core].copy(), numbers[labels[within]]
        if last:
            return
        step = rows - 2 * margin  # to the next view
        known.across = numbers[seeds[step + BLUR - seen.start]]
        top += step


def view_rows(halo: int, width: int) -> int:
    """Rows that are looked at together; an image that has no more is decoded whole."""
    return max(3 * (halo + BLUR), _PIXELS // max(1, width) - _BESIDE)


def _views(bands: Iterable[Maps], halo: int) -> Iterator[tuple[Maps, bool]]:
    """Views of the rows, each beginning two margins above the last one's end, and which is last."""
    kept: Maps | None = None
    height = filled = 0
    for band in bands:
        if kept is None:
            height = view_rows(halo, band.shape[2])
            kept = np.empty((band.shape[0], 0, band.shape[2]), np.float32)
        taken = 0
        while taken < band.shape[1]:
            if filled == height:
                yield kept, False
                filled = 2 * (halo + BLUR)
                kept[:, :filled] = kept[:, -filled:]
            rows = min(height - filled, band.shape[1] - taken)
            if filled + rows > kept.shape[1]:
                # As rows come: a halo may be far higher than the image.
                more = np.empty_like(
                    kept, shape=(len(kept), min(height, 2 * (filled + rows)), kept.shape[2])
                )
                more[:, :filled] = kept[:, :filled]
                kept = more
            kept[:, filled : filled + rows] = band[:, taken : taken + rows]
            filled += rows
            taken += rows
    if kept is not None and filled:
        yield kept[:, :filled], True


class _Known:
    """The numbers of objects, which one view hands to the next.

    Attributes:
        across: (W,) of the seeds in the first row of the next view.
    """

    def __init__(self) -> None:
        self.across: Labels | None = None
        self._count = 0
        # Of the last view, by the seed's first pixel in the image.
        self._by_seed: dict[int, int] = {}

    def number(self, seeds_HW: Labels, core_HW: Labels, top: int) -> Labels:
        """The number of each label of a view whose first row is ``top``; new ones count on."""
        count = int(seeds_HW.max(initial=0))
        keys = first_pixels(seeds_HW, count) + top * seeds_HW.shape[1]
        numbers = np.array([0, *(self._by_seed.get(int(key), 0) for key in keys[1:])], np.int32)
        if self.across is not None:
            # What is left of a cut seed has another first pixel.
            cut = self.across > 0
            numbers[seeds_HW[0, cut]] = self.across[cut]
            numbers[0] = 0
        first = first_pixels(core_HW, count)
        new = np.flatnonzero((numbers == 0) & (first < core_HW.size))
        new = new[np.argsort(first[new])]
        numbers[new] = np.arange(self._count + 1, self._count + 1 + len(new))
        self._count += len(new)
        self._by_seed = {int(keys[n]): int(numbers[n]) for n in np.flatnonzero(numbers)}
        return numbers
