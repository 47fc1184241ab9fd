"""Outlines of objects, drawn over an image, each in a colour that its neighbours do not have."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segkit.drawing.overlay import CLASS_COLOURS
from segkit.imaging.channels import as_rgb

Picture = NDArray[np.uint8]
# RGB that objects take in turn: Okabe and Ito's, without black.
COLOURS: Picture = CLASS_COLOURS[1:]
# How far apart objects are neighbours to the eye, in pixels.
_NEAR = 5
# Per cent of pixels, and the grey level that they must exceed in an image that is not dark.
_BRIGHT, _DARK = 99.8, 100


def outlines(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """The pixels of objects that share a side with another object or with the background.

    The image's own border is no outline.

    Args:
        labels: (H, W) integers; every positive value is an object.

    Returns:
        (H, W) bool.
    """
    found = np.zeros(labels.shape, np.bool_)
    for one, other in (
        (np.s_[:-1], np.s_[1:]),
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
    ):
        found[one] |= labels[one] != labels[other]
    return found & (labels > 0)


def draw_contours(
    image: Picture, labels: NDArray[np.integer], colours: Picture | None = None
) -> Picture:
    """Draw the outline of every object, just inside it and one pixel wide.

    Args:
        image: (H, W) or (H, W, C) uint8; see :func:`segkit.imaging.channels.as_rgb`.
        labels: (H, W) integers; every positive value is an object.
        colours: (3,) or (n, 3) uint8 RGB: one for all, or one for each label in ascending order;
            without them, of :data:`COLOURS`, so that objects close by differ.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ValueError: image and labels differ in size, or the number of colours is another.
    """
    if labels.shape != image.shape[:2]:
        raise ValueError(f"labels of shape {labels.shape} for an image of shape {image.shape}")
    inside = labels > 0
    ids, place = np.unique(labels[inside], return_inverse=True)
    numbers = np.zeros(labels.shape, np.int64)
    numbers[inside] = place + 1
    if colours is None:
        table = COLOURS[apart(numbers, len(ids), len(COLOURS))]
    else:
        table = np.broadcast_to(colours, (len(ids), 3)) if colours.ndim == 1 else colours
    if len(table) != len(ids):
        raise ValueError(f"{len(table)} colours for {len(ids)} objects")
    drawn = as_rgb(image).copy()
    line = outlines(labels)
    drawn[line] = table[numbers[line] - 1]
    return drawn


def brightened(image: Picture) -> Picture:
    """A dark image as the eye can judge it, any other as it is: stretched to its brightest pixels.

    Fluorescence often takes 40 of 255 grey levels; what is drawn on it is no measurement.

    Args:
        image: (H, W, C) uint8.
    """
    brightest = float(np.percentile(image, _BRIGHT)) if image.size else 255.0
    if brightest >= _DARK:
        return image
    stretched = np.minimum(image * (255 / max(brightest, 8.0)), 255)
    return np.asarray(stretched, np.uint8)


def apart(numbers: NDArray[np.int64], count: int, colours: int) -> NDArray[np.int64]:
    """A colour for each object, of so many, that none nearby has, where there are enough.

    Objects take their turns in order, the first colour that no neighbour has; of those, the
    colours go round, so that all are used.

    Args:
        numbers: (H, W) of 0 … ``count``, 0 background.
        count: of objects.
        colours: how many there are.

    Returns:
        (count,) of 0 … ``colours`` − 1.
    """
    beside = _neighbours(numbers, count)
    chosen = np.full(count, -1)
    for one in range(count):
        taken = {int(chosen[other]) for other in beside[one]}
        turns = [(one + turn) % colours for turn in range(colours)]
        chosen[one] = next((turn for turn in turns if turn not in taken), turns[0])
    return chosen


def _neighbours(numbers: NDArray[np.int64], count: int) -> list[set[int]]:
    # Background takes the number of the nearest object: what meets then, lies side by side.
    far, nearest = ndimage.distance_transform_edt(numbers == 0, return_indices=True)
    grown = np.where(far <= _NEAR, numbers[tuple(nearest)], 0) if count else numbers
    beside: list[set[int]] = [set() for _ in range(count)]
    for one, other in (
        (grown[:-1], grown[1:]),
        (grown[:, :-1], grown[:, 1:]),
        (grown[:-1, :-1], grown[1:, 1:]),
        (grown[:-1, 1:], grown[1:, :-1]),
    ):
        meet = (one != other) & (one > 0) & (other > 0)
        pairs = np.unique(np.stack([one[meet], other[meet]], axis=1), axis=0) - 1
        for first, second in pairs.tolist():
            beside[first].add(second)
            beside[second].add(first)
    return beside
