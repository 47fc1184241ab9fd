"""Masks as pictures: classes in colours, and where a binary answer is right, misses or adds."""

from collections.abc import Sequence

import numpy as np

from segkit.drawing.overlay import (
    AGREEMENT_COLOURS,
    CLASS_COLOURS,
    DARK,
    Picture,
    agreement,
    overlay,
)
from segkit.drawing.panel import PanelRow, Pictures
from segkit.imaging.channels import as_rgb
from segkit.imaging.pixels import resize_image, resize_mask

_AGREEMENT = ("true positive", "missed", "false positive")


class SemanticPainter:
    """Of a binary task the overlay shows the agreement; of more classes the predicted ones.

    Args:
        classes: names, background first.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.binary, self.classes = len(classes) == 2, tuple(classes)

    def legend(self, *, judged: bool) -> list[tuple[Sequence[int], str]]:
        """Of the overlay."""
        if judged and self.binary:
            return list(zip(AGREEMENT_COLOURS[1:].tolist(), _AGREEMENT, strict=True))
        span = len(CLASS_COLOURS) - 1
        names = enumerate(self.classes[1:])
        return [(CLASS_COLOURS[1 + index % span].tolist(), name) for index, name in names]

    def pictures(self, row: PanelRow, size: tuple[int, int]) -> Pictures:
        """Image, ground truth, prediction, and the overlay of both."""
        image = resize_image(as_rgb(row.image), size)
        prediction = resize_mask(row.prediction, size)
        truth = None if row.truth is None else resize_mask(row.truth, size)
        if truth is not None and self.binary:
            last = agreement(image, truth, prediction)
        else:
            last = overlay(image, prediction)
        return image, None if truth is None else self._flat(truth), self._flat(prediction), last

    def _flat(self, mask: Picture) -> Picture:
        dark = np.broadcast_to(np.array(DARK, np.uint8), (*mask.shape, 3))
        if self.binary:
            return np.where(mask[..., None] > 0, np.uint8(255), dark)
        return overlay(dark, mask, alpha=1)
