"""The threshold on the probability that serves the Dice best, from counts at each."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segkit.core.distributed import gather_records
from segkit.core.errors import SegkitError
from segkit.statistics.intervals import mean_where_defined
from segkit.tasks.examining import UnitsOf
from segkit.tasks.semantic.metrics import dice
from segkit.tasks.tally import sum_by_group

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(slots=True)
class ThresholdFit:
    """Counts TP, FP, FN, TN of each image at every threshold, for a binary task."""

    _counts: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in, or the next rows of it."""
        del prediction_HW
        logits_HW = outputs_KHW[0].float().contiguous()
        bounds = torch.tensor(THRESHOLDS, dtype=torch.float64).logit()
        # As many thresholds as the pixel is above: the comparison that predicted_classes makes.
        above = torch.bucketize(logits_HW, bounds.to(logits_HW))
        levels = len(THRESHOLDS) + 1
        found = (above + levels * (truth_HW > 0)).flatten().bincount(minlength=2 * levels)
        # (2, levels): pixels above at least so many thresholds, of the background and of the class.
        reached = found.view(2, levels).flip(1).cumsum(1).flip(1).cpu().numpy()
        drawn, total = reached[:, 1:], reached[:, :1]
        missed = total - drawn
        counts = np.stack([drawn[1], drawn[0], missed[1], missed[0]], axis=1)
        self._counts[index] = self._counts.get(index, 0) + counts

    def finish(self) -> tuple[list[int], NDArray[np.int64]]:
        """Of all processes: positions of the records, ascending, and their (N, T, 4) counts."""
        counts = gather_records(self._counts)
        none = np.zeros((0, len(THRESHOLDS), 4), np.int64)
        return list(counts), np.stack(list(counts.values())) if counts else none

    def best(self, units: UnitsOf) -> tuple[dict[str, float], str]:
        """The threshold of the highest mean Dice, and that Dice in words.

        Raises:
            SegkitError: there is nothing to find in what was seen.
        """
        indices, counts_NT4 = self.finish()
        try:
            threshold, found = best_threshold(counts_NT4, units(indices))
        except ValueError as error:
            raise SegkitError(
                "no threshold can be picked: the validation split has no foreground, of which a "
                "threshold could find more or less",
                where="threshold=auto",
                remedy="leave threshold out, which keeps the run's own, or set a number: "
                "threshold=0.5",
            ) from error
        images = f"{len(indices)} validation images"
        words = f"threshold {threshold} scores best on {images}: dice {found:.4f}"
        return {"threshold": threshold}, words


def best_threshold(counts_NT4: NDArray[np.int64], units: Sequence[str]) -> tuple[float, float]:
    """The threshold of the highest mean Dice; of equals the one nearest to 0.5.

    Args:
        counts_NT4: (N, T, 4) int64, of each record and each of :data:`THRESHOLDS`.
        units: what each record is scored in: its group, or its id to score image by image.

    Returns:
        The threshold, and the mean over units of the Dice where it is defined.

    Raises:
        ValueError: there is nothing to find: the best that can be said of any threshold is that
            nothing was drawn.
    """
    _, counts_GT4 = sum_by_group(counts_NT4, units)
    if not counts_GT4[..., [0, 2]].any():  # found or missed: all of the foreground
        raise ValueError("there is no foreground to find")
    dice_GT = dice(counts_GT4)
    means = mean_where_defined(dice_GT)
    best = np.flatnonzero(means == np.nanmax(means))
    chosen = min(best, key=lambda t: abs(THRESHOLDS[t] - 0.5))
    return THRESHOLDS[chosen], float(means[chosen])
