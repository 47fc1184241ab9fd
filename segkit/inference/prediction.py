"""What a predictor gives back."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Prediction:
    """What was found in an image of H rows and W columns: ``mask, probability = predictor(image)``.

    Attributes:
        mask: (H, W), 0 is background: uint8 class indices; where objects are found int32 labels.
        probability: (K, H, W) float32, 0…1: the foreground's, each class's, or the planes'.
    """

    def __init__(
        self,
        mask: NDArray[Any],
        probability: NDArray[np.float32],
        measured: Callable[[], dict[str, NDArray[Any]]],
    ) -> None:
        self.mask, self.probability, self._measured = mask, probability, measured

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.mask, self.probability))

    @cached_property
    def objects(self) -> dict[str, NDArray[Any]]:
        """The columns of ``objects.csv`` but for the image's name, (n,) each: an object a value.

        ``pandas.DataFrame(prediction.objects)`` is a table of them. They are measured when they are
        first asked for, on the array or the file that was predicted.

        Raises:
            SegkitError: the run tells no objects apart.
        """
        return self._measured()
