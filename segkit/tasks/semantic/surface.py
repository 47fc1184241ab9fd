"""How far two outlines lie apart: 95 % Hausdorff distance and surface Dice, in pixels.

A surface is the pixels of a mask with one of their four neighbours outside it or outside the
image. A mask that is missed altogether, or drawn where there is nothing, is penalised and never
dropped: a network could otherwise gain by drawing less.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.spatial import cKDTree
from torch import Tensor

from segkit.core.distributed import gather_records

# Pixels above which surfaces are searched by a tree.
_MANY = 2**22
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]


def surface_scores(prediction: Mask, truth: Mask, tolerance: float) -> tuple[float, float]:
    """HD95 and surface Dice of one class of one image.

    HD95 is the larger of the two 95th percentiles (linear) of the distances from each pixel of
    one surface to the nearest of the other. The surface Dice (normalised surface distance,
    Nikolov et al. 2018, with pixels for surface elements) is the share of both surfaces'
    pixels that lie within ``tolerance`` of the other surface.

    Args:
        prediction: (H, W) bool.
        truth: (H, W) bool.
        tolerance: in pixels, 0 or more.

    Returns:
        HD95 in pixels and surface Dice, 0 to 1. The image's diagonal and 0 where one mask is
        empty; NaN and NaN where both are.

    Raises:
        ValueError: the masks differ in size.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {prediction.shape} against truth {truth.shape}")
    if not prediction.any() and not truth.any():
        return float("nan"), float("nan")
    if not prediction.any() or not truth.any():
        return float(np.hypot(*truth.shape)), 0.0
    # What lies outside both changes no distance, but would be computed too.
    box = _box(prediction | truth)
    ours, theirs = _surface(prediction[box]), _surface(truth[box])
    forth, back = _distances(ours, theirs), _distances(theirs, ours)
    hd95 = max(float(np.percentile(forth, 95)), float(np.percentile(back, 95)))
    near = int((forth <= tolerance).sum() + (back <= tolerance).sum())
    return hd95, near / (len(forth) + len(back))


def _distances(ours: Mask, theirs: Mask) -> Values:
    """From each pixel of one surface, in the order of rows, to the nearest of the other."""
    few = int(ours.sum()) + int(theirs.sum()) < ours.size / 8
    if ours.size <= _MANY or not few:
        return np.asarray(distance_transform_edt(~theirs)[ours])
    # The same distances; a transform would hold some 20 bytes for each pixel of the image.
    found, _ = cKDTree(np.argwhere(theirs)).query(np.argwhere(ours))
    return np.asarray(found, np.float64)


def _box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _surface(mask: Mask) -> Mask:
    """Beyond the edge of the array nothing belongs to the mask."""
    return np.asarray(mask & ~binary_erosion(mask), np.bool_)


@dataclass(slots=True)
class SurfaceTally:
    """Scores each image as it comes and keeps two numbers a class of it.

    Attributes:
        classes: number of classes, background included.
        tolerance: in pixels.
    """

    classes: int
    tolerance: float
    _scores: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    # Of the image that is being shown: its position, and its masks so far.
    _index: int = -1
    _parts: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = field(default_factory=list)

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in, or the next rows of it."""
        del outputs_KHW
        if index != self._index:
            self._score()
            self._index = index
        self._parts.append((prediction_HW.cpu().numpy(), truth_HW.cpu().numpy()))

    def _score(self) -> None:
        """The image is known to be complete when the next one comes."""
        if not self._parts:
            return
        prediction, truth = (np.concatenate(rows) for rows in zip(*self._parts, strict=True))
        self._parts = []
        self._scores[self._index] = [
            surface_scores(prediction == k, truth == k, self.tolerance)
            for k in range(1, self.classes)
        ]

    def finish(self) -> dict[int, Values]:
        """Of all processes, by record: (K - 1, 2) HD95 and surface Dice of its classes."""
        self._score()
        return {index: np.array(pairs) for index, pairs in gather_records(self._scores).items()}
