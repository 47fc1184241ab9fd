"""What predict says of one image's mask: pixels, share and connected components of each class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segkit.imaging.components import ComponentCounter
from segkit.tasks.parts import Row


class SemanticDescription:
    """Counts as the rows of the mask pass.

    Args:
        classes: names, background first.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._components = {label: ComponentCounter() for label in range(1, len(classes))}
        self._areas = np.zeros(256, np.int64)

    def add(self, answer: NDArray[np.uint8]) -> None:
        """Take the next rows, (h, W) uint8 class indices."""
        self._areas += np.bincount(answer.ravel(), minlength=256)
        for label, components in self._components.items():
            components.add(answer == label)

    def facts(self) -> Row:
        """By column; the share has six places."""
        facts: Row = {}
        for label, components in self._components.items():
            name, count = self.classes[label], int(self._areas[label])
            facts[f"{name}_pixels"] = count
            facts[f"{name}_share"] = f"{count / int(self._areas.sum()):.6f}"
            facts[f"{name}_components"] = components.count
        return facts
