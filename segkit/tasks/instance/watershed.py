"""From maps back to objects: seeds where an object is surest, grown to the foreground's edge."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from segkit.tasks.instance.settings import Settings

# Of the Gaussian that smooths the score, in pixels, and how far it reaches.
SIGMA = 1.0
BLUR = 4

Maps = NDArray[np.float32]
Labels = NDArray[np.int32]


def decode(maps_KHW: Maps, settings: Settings) -> Labels:
    """Tell the objects of one image apart.

    Seeds are the 4-connected pieces of foreground whose score, distance · (1 − contact), exceeds
    the seed threshold; a watershed of the score grows them within the foreground. Foreground that
    holds no seed is no object. Then objects below the least area go, and holes are filled: what an
    object alone surrounds is its own.

    Args:
        maps_KHW: planes as in :data:`segkit.tasks.instance.targets.PLANES`, 0…1.
        settings: see there.

    Returns:
        (H, W): 0 is background, objects are 1…N in raster order of their first pixels.
    """
    labels, _ = grow(maps_KHW[0] > settings.threshold, score(maps_KHW), settings)
    count = int(labels.max(initial=0))
    order = np.argsort(first_pixels(labels, count)[1:], kind="stable")
    numbers = np.zeros(count + 1, np.int32)
    numbers[order + 1] = np.arange(1, count + 1)
    # Objects that went have no first pixel, so they are the last, and no pixel asks their number.
    return numbers[labels]


def score(maps_KHW: Maps) -> Maps:
    """How sure a pixel is to be inside one object, (H, W): distance · (1 − contact), smoothed."""
    product = maps_KHW[2] * (1 - maps_KHW[1])
    return np.asarray(ndimage.gaussian_filter(product, SIGMA, radius=BLUR), np.float32)


def grow(inside_HW: NDArray[np.bool_], score_HW: Maps, settings: Settings) -> tuple[Labels, Labels]:
    """Grow seeds to objects.

    Cutting rows off changes no object that ends before the cut, nor one beside it: the flood goes
    by values and, among equal ones, by who came first, and both survive the cut.

    Args:
        inside_HW: the foreground.
        score_HW: as of :func:`score`.
        settings: thresholds and least area.

    Returns:
        (H, W) each, by the same numbers: the objects, without those that are too small, and the
        seeds.
    """
    seeds, count = ndimage.label(inside_HW & (score_HW > settings.seed_threshold), output=np.int32)
    relief = np.negative(score_HW, dtype=np.float64)
    del score_HW  # of a wide image the watershed is what takes most memory
    # Below all others, and each different: the library's order of equal ones would depend on how
    # many there are.
    at = seeds > 0
    relief[at] = np.arange(-1.0 - np.count_nonzero(at), -1.0)
    labels: Labels = watershed(relief, seeds, mask=inside_HW)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= settings.min_area
    large[0] = False
    labels[~large[labels]] = 0
    fill_holes(labels)
    return labels, seeds


def fill_holes(labels_HW: Labels) -> None:
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
