"""From maps back to objects: seeds where an object is surest, grown to the foreground's edge."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from segkit.tasks.instance.settings import Settings

# Of the Gaussian that smooths, in pixels, and how far it reaches.
SIGMA = 1.0
BLUR = 4

Maps = NDArray[np.float32]
Labels = NDArray[np.int32]


def decode(maps_KHW: Maps, settings: Settings) -> Labels:
    """Tell the objects of one image apart.

    Seeds are the 4-connected pieces of foreground where distance · (1 − contact), smoothed, exceeds
    the seed threshold; a watershed of contact − distance grows them within the foreground.
    Foreground that holds no seed is no object. Then objects below the least area go, and holes are
    filled: what an object alone surrounds is its own.

    Args:
        maps_KHW: planes as in :data:`segkit.tasks.instance.targets.PLANES`, 0…1.
        settings: see there.

    Returns:
        (H, W): 0 is background, objects are 1…N in raster order of their first pixels.
    """
    labels, _ = grow(maps_KHW, settings)
    count = int(labels.max(initial=0))
    order = np.argsort(first_pixels(labels, count)[1:], kind="stable")
    numbers = np.zeros(count + 1, np.int32)
    numbers[order + 1] = np.arange(1, count + 1)
    # Objects that went have no first pixel, so they are the last, and no pixel asks their number.
    return numbers[labels]


def grow(maps_KHW: Maps, settings: Settings, rows: slice = slice(None)) -> tuple[Labels, Labels]:
    """Grow seeds to objects, and settle them.

    Rows left out change no object that lies whole within the others: the flood goes by values and,
    among equal ones, by who came first, so what is missing only comes later, never earlier.

    Args:
        maps_KHW: as of :func:`decode`.
        settings: see there.
        rows: those to look at. Values that are smoothed see :data:`BLUR` rows beyond.

    Returns:
        (H, W) each, of those rows and by the same numbers: the objects, without those that are too
        small, and the seeds.
    """
    labels, seeds = unsettled(maps_KHW, settings, rows)
    settle(labels, settings.min_area)
    return labels, seeds


def unsettled(
    maps_KHW: Maps, settings: Settings, rows: slice = slice(None)
) -> tuple[Labels, Labels]:
    """Grow seeds to objects of any size, with the holes that they have; see :func:`grow`."""
    contact, distance = maps_KHW[1], maps_KHW[2]
    inside = maps_KHW[0, rows] > settings.threshold
    sure = ndimage.gaussian_filter(distance * (1 - contact), SIGMA, radius=BLUR)[rows]
    seeds, count = ndimage.label(inside & (sure > settings.seed_threshold), output=np.int32)
    del sure  # of a wide image it is large
    pieces, total = ndimage.label(inside, output=np.int32)
    piece_of = pieces.ravel()[first_pixels(seeds, count)[1:]]
    shared = np.bincount(piece_of, minlength=total + 1) > 1
    owner = np.zeros(total + 1, np.int32)
    owner[piece_of] = np.arange(1, count + 1)
    owner[shared] = 0
    labels = owner[pieces]
    # Only what several seeds share has to be flooded: along contact, where the product is flat, the
    # difference still has a ridge.
    flooded = shared[pieces]
    if flooded.any():
        labels += _flood(flooded, contact[rows] - distance[rows], np.where(flooded, seeds, 0))
    return labels, seeds


def settle(labels_HW: Labels, min_area: int) -> None:
    """Drop objects below an area, and then fill holes, in place: what is dropped leaves some."""
    large = np.bincount(labels_HW.ravel(), minlength=1) >= min_area
    large[0] = False
    labels_HW[~large[labels_HW]] = 0
    _fill_holes(labels_HW)


def _flood(inside_HW: NDArray[np.bool_], relief_HW: Maps, seeds_HW: Labels) -> Labels:
    heights = relief_HW.astype(np.float64)
    # Below all others, and each different: of equal seeds the library takes the first by how many
    # there are, which is not the same where rows are left out.
    seeded = seeds_HW > 0
    heights[seeded] = np.arange(-1.0 - np.count_nonzero(seeded), -1.0)
    flooded = watershed(heights, seeds_HW, mask=inside_HW)
    return np.asarray(flooded, np.int32)


def _fill_holes(labels_HW: Labels) -> None:
    """Give background that one object alone surrounds to it, in place.

    Background that reaches the border is no hole, nor is what two objects enclose together.
    """
    holes, count = ndimage.label(labels_HW == 0, output=np.int32)
    if not count:
        return
    lowest = np.full(count + 1, np.iinfo(np.int32).max, np.int32)
    highest = np.zeros(count + 1, np.int32)
    for ours, theirs in (
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        edge = (holes[ours] > 0) & (labels_HW[theirs] > 0)
        hole, label = holes[ours][edge], labels_HW[theirs][edge]
        np.minimum.at(lowest, hole, label)
        np.maximum.at(highest, hole, label)
    for border in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        highest[border] = 0
    owner = np.where(lowest == highest, highest, 0).astype(np.int32)
    labels_HW += owner[holes]


def first_pixels(labels_HW: Labels, count: int) -> NDArray[np.int64]:
    """(count + 1,) the place in raster order of each label's first pixel, of none the size."""
    flat = labels_HW.ravel()
    places = np.flatnonzero(flat)[::-1]
    first = np.full(count + 1, flat.size, np.int64)
    # Of several assignments to one label the last one stays.
    first[flat[places]] = places
    return first
