"""Whether a probability means what it says: expected calibration error over pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from segkit.core.distributed import all_gather

BINS = 15
# Steps of probability within a bin. A bin's mean is off by half a step at most: 8e-6.
_STEPS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Probabilities against how often they came true, in bins of equal width.

    Bin m of M holds the probabilities of (m/M, (m+1)/M], the first also 0.

    Attributes:
        pixels: (M,) int64, pixels in each bin.
        confidence: (M,) mean probability of a bin's pixels; NaN in an empty bin.
        accuracy: (M,) share of a bin's pixels that are right; NaN in an empty bin.
    """

    pixels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """Expected calibration error (Guo et al. 2017, equation 5), 0 to 1.

        The gap between confidence and accuracy, averaged over pixels; NaN without a pixel.
        """
        total = int(self.pixels.sum())
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float((gaps * self.pixels).sum() / total) if total else float("nan")


class CalibrationTally:
    """Integer histograms of probability: the same whatever the batches or the processes.

    Of a binary task, how often a pixel of foreground probability p is foreground; of more
    classes, how often the likeliest class is right.
    """

    def __init__(self) -> None:
        self._histogram: Tensor | None = None

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in."""
        del index, prediction_HW
        full = outputs_KHW.float()
        if len(full) == 1:
            probability, right = full[0].sigmoid(), truth_HW > 0
        else:
            probability, likeliest = full.softmax(dim=0).max(dim=0)
            right = likeliest == truth_HW
        steps = BINS * _STEPS
        level = (probability.nan_to_num() * steps).ceil().long().sub(1).clamp(0, steps - 1)
        # Without weights: with them the count is not deterministic on a GPU.
        found = (level + steps * right).flatten().bincount(minlength=2 * steps)
        self._histogram = found if self._histogram is None else self._histogram + found

    def finish(self) -> Calibration:
        """Of all processes."""
        steps = BINS * _STEPS
        empty = np.zeros(2 * steps, np.int64)
        own = empty if self._histogram is None else self._histogram.cpu().numpy()
        wrong, right = np.sum(all_gather(own), axis=0).reshape(2, BINS, _STEPS)
        middles = ((np.arange(steps) + 0.5) / steps).reshape(BINS, _STEPS)
        pixels = (wrong + right).sum(axis=1)
        with np.errstate(invalid="ignore"):
            confidence = ((wrong + right) * middles).sum(axis=1) / pixels
            accuracy = right.sum(axis=1) / pixels
        return Calibration(pixels, confidence, accuracy)
