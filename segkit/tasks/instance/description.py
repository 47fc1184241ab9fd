"""What predict says of one image's labels: how many, and how much of the image they cover."""

import numpy as np
from numpy.typing import NDArray

from segkit.tasks.parts import Row


class InstanceDescription:
    """Counts as the rows of the labels pass.

    Args:
        name: of the class.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._largest = self._covered = self._pixels = 0

    def add(self, answer: NDArray[np.int32]) -> None:
        """Take the next rows, (h, W) labels 1…N."""
        self._largest = max(self._largest, int(answer.max(initial=0)))
        self._covered += int(np.count_nonzero(answer))
        self._pixels += answer.size

    def facts(self) -> Row:
        """By column; the share has six places."""
        return {
            f"{self.name}_objects": self._largest,
            f"{self.name}_pixels": self._covered,
            f"{self.name}_share": f"{self._covered / max(1, self._pixels):.6f}",
        }
