"""Objects as outlines on their image."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

from segkit.drawing.overlay import CLASS_COLOURS, Picture
from segkit.imaging.pixels import to_channels

Colour = Sequence[int]
# Neighbours of one colour are told apart by the gap that two outlines leave.
OBJECT_COLOURS: tuple[Colour, ...] = tuple(map(tuple, CLASS_COLOURS[1:].tolist()))


def draw_outlines(
    image: Picture,
    labels: NDArray[np.integer[Any]],
    colours: Sequence[Colour] | Mapping[int, Colour],
) -> Picture:
    """Paint a line of one pixel just inside the outline of each object.

    Args:
        image: (H, W) or (H, W, C) uint8, C of 1 to 4.
        labels: (H, W), 0 is background.
        colours: RGB in turn, by label; or of some labels alone, the others are not drawn.

    Returns:
        (H, W, 3) uint8.
    """
    picture = to_channels(image, 3).copy()
    edge = find_boundaries(labels, connectivity=1, mode="inner")
    on_edge = labels[edge]
    if isinstance(colours, Mapping):
        ids, places = np.unique(on_edge, return_inverse=True)
        known = np.array([label in colours for label in ids.tolist()], bool)
        table = np.array([colours.get(label, (0, 0, 0)) for label in ids.tolist()], np.uint8)
        shown = picture[edge]
        if len(ids):
            drawn = known[places.ravel()]
            shown[drawn] = table[places.ravel()][drawn]
        picture[edge] = shown
    else:
        picture[edge] = np.array(colours, np.uint8)[on_edge % len(colours)]
    return picture
