"""What a predictor gives back."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Prediction:
    """The answer for one image: ``mask, probability = predictor(image)``.

    Attributes:
        mask: (H, W), 0 is background: uint8 class indices, or int32 labels with ``task=instance``.
        probability: (K, H, W) float32, 0…1: of the foreground alone (K is 1), of each class, or
            with ``task=instance`` the network's three maps.
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
        """The columns of ``objects.csv`` without the image's name: (n,) each, a value per object.

        They are measured when they are first asked for. ``pandas.DataFrame(prediction.objects)``
        makes a table of them.

        Raises:
            SegkitError: the run was not trained with ``task=instance``.
        """
        return self._measured()
