"""Labels as pictures: outlines, each object its colour, and what is missed, invented or merged."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.drawing.contours import brightened, draw_contours
from segkit.drawing.overlay import GREEN, PURPLE, SKY, VERMILLION, YELLOW, Picture
from segkit.drawing.panel import PanelRow, Pictures
from segkit.imaging.channels import as_rgb
from segkit.imaging.pixels import resize_image, resize_mask
from segkit.tasks.instance.matching import match
from segkit.tasks.instance.outcomes import outcomes

Labels = NDArray[np.integer[Any]]
# Okabe and Ito's colours, safe for the colour-blind.
_FOUND, _MISSED, _FALSE, _MERGED, _SPLIT = GREEN, SKY, VERMILLION, YELLOW, PURPLE
_OUTCOMES = {
    "found": (_FOUND, "found"),
    "missed": (_MISSED, "missed"),
    "false": (_FALSE, "false"),
    "merged": (_MERGED, "merged"),
    "split": (_SPLIT, "split"),
}


class InstancePainter:
    """Outlines on the image; the overlay of both shows what became of each true object."""

    def legend(self, *, judged: bool) -> list[tuple[Sequence[int], str]]:
        """Of the overlay."""
        return list(_OUTCOMES.values()) if judged else []

    def pictures(self, row: PanelRow, size: tuple[int, int]) -> Pictures:
        """Image, ground truth, prediction, and what became of the objects."""
        image = brightened(resize_image(as_rgb(row.image), size))
        found = resize_mask(row.prediction, size)
        drawn = draw_contours(image, found)
        if row.truth is None:
            return image, None, drawn, drawn
        # Judged at the size at which it was kept: small objects vanish in a picture.
        own = resize_mask(row.truth, row.prediction.shape)
        truth = resize_mask(own, size)
        last = _judged(image, (own, row.prediction), (truth, found))
        return image, draw_contours(image, truth), drawn, last


def _judged(image: Picture, labels: tuple[Labels, Labels], shown: tuple[Labels, Labels]) -> Picture:
    """Outlines of the true objects by what became of them, and of those that are not there.

    Args:
        image: (h, w, 3) uint8.
        labels: true and found, (H, W), which are held against each other.
        shown: the same at the size of the picture.
    """
    true_objects, found_objects = outcomes(match(*labels))
    colours = {one.id: _OUTCOMES[one.outcome][0] for one in true_objects}
    false = [one.id for one in found_objects if one.outcome == "false"]
    invented = np.where(np.isin(shown[1], false), shown[1], 0)
    picture = draw_contours(image, invented, np.array(_FALSE, np.uint8))
    ids = np.unique(shown[0][shown[0] > 0]).tolist()
    table = np.array([colours[label] for label in ids], np.uint8).reshape(-1, 3)
    return draw_contours(picture, shown[0], table)
