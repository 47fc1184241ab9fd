"""What networks say of a volume, slice after slice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segkit.core.view import View
from segkit.imaging.bands import ArrayRows
from segkit.inference.volumes import VolumeRows

if TYPE_CHECKING:
    from segkit.inference.predictor import Predictor


def volume_bands(
    predictor: Predictor, volume: VolumeRows, view: View
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Outputs of all slices, as :meth:`Predictor.bands` gives those of an image.

    As many slices are answered together as is best for the networks.
    """
    height, together = volume.plane[0], 1 if view.tile else predictor.together
    for first in range(0, volume.slices, together):
        numbers = range(first, min(first + together, volume.slices))
        images = [volume.image(number) for number in numbers]
        if view.tile is None:
            for number, outputs in zip(numbers, predictor.whole(images, view.tta), strict=True):
                yield number * height, outputs
        else:
            for top, outputs in predictor.bands(ArrayRows(images[0]), view):
                yield first * height + top, outputs
