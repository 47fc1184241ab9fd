"""The scores, each defined once. Everything is made from integer counts of pixels.

``counts`` arrays end in an axis of four, :data:`COUNTS`: the pixels of one class that are found,
drawn where it is not, missed, and rightly left alone.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segkit.core.errors import SegkitError
from segkit.tasks.tally import sum_by_group

Counts = NDArray[np.int64]
Values = NDArray[np.float64]
COUNTS = ("tp", "fp", "fn", "tn")  # the last axis of every array of counts


def confusion_counts(prediction_BHW: Tensor, target_BHW: Tensor, classes: int) -> Tensor:
    """Count TP, FP, FN, TN of each image and class, on the tensors' device without waiting.

    Args:
        prediction_BHW: (B, H, W) class indices 0…classes-1, any integer type.
        target_BHW: the same of the truth.
        classes: number of classes, background included, at most 255.

    Returns:
        (B, classes, 4) int64. :func:`score` refuses counts that hold an index outside 0…classes-1.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction_BHW.shape != target_BHW.shape:
        raise ValueError(f"prediction {prediction_BHW.shape} against truth {target_BHW.shape}")
    bins = classes + 1  # the last one for indices that belong to no class
    prediction, target = (_bounded(x, classes) for x in (prediction_BHW, target_BHW))
    matrix = _histogram(target * bins + prediction, bins * bins).view(-1, bins, bins)
    tp = matrix.diagonal(dim1=1, dim2=2)[:, :classes]
    fp = matrix.sum(dim=1)[:, :classes] - tp
    fn = matrix.sum(dim=2)[:, :classes] - tp
    return torch.stack([tp, fp, fn, target.shape[1] - tp - fp - fn], dim=2)


def dice(counts: Counts) -> Values:
    """Dice 2TP / (2TP + FP + FN) (Dice 1945), (…, 4) to (…); NaN without truth and prediction."""
    tp, fp, fn, _ = np.moveaxis(counts, -1, 0)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def iou(counts: Counts) -> Values:
    """Jaccard index TP / (TP + FP + FN), (…, 4) to (…); NaN without truth and prediction."""
    tp, fp, fn, _ = np.moveaxis(counts, -1, 0)
    return _ratio(tp, tp + fp + fn)


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one class over a split, or of ``"all"`` classes. NaN means undefined.

    An empty truth with an empty prediction has no Dice and no IoU: such a group is left out of
    their means. An empty truth on which something was drawn scores 0 and counts in them.

    Precision, recall and specificity are pooled: a mean over groups would leave out the groups in
    which nothing was drawn, and so rise with every patient that is missed altogether.

    For ``"all"``, means over the foreground classes where defined, unless said otherwise below.

    Attributes:
        dice: :func:`dice` of each group, averaged over the groups where it is defined.
        dice_pooled: :func:`dice` of the counts summed over all groups.
        iou: :func:`iou` of each group, averaged over the groups where it is defined.
        precision, recall, specificity: TP/(TP+FP), TP/(TP+FN), TN/(TN+FP) of the summed counts.
        accuracy: pixels that are right over all pixels. For a class, right means told from the
            rest, (TP + TN) / all; for ``"all"``, given their own class.
        accuracy_all_background: what drawing nothing would score: the share of pixels not of the
            class; for ``"all"``, of the background.
        n: groups, whether or not they are defined.
        n_empty: groups whose truth has no pixel of the class; for ``"all"``, of any foreground.
        empty_false_positive_rate: share of those groups in which the class, or for ``"all"`` any
            foreground, was drawn; NaN when there are none.
    """

    dice: float
    dice_pooled: float
    iou: float
    precision: float
    recall: float
    specificity: float
    accuracy: float
    accuracy_all_background: float
    n: int
    n_empty: int
    empty_false_positive_rate: float


def score(counts_NK4: Counts, groups: Sequence[str], classes: Sequence[str]) -> dict[str, Scores]:
    """Score a split, the same to the last bit in whatever order the records come.

    Args:
        counts_NK4: (N, K, 4) integers from :func:`confusion_counts`, each record once.
        groups: the group of each record; its id to score image by image.
        classes: the K names, background first, K at least 2.

    Returns:
        :class:`Scores` by the name of each foreground class, then for ``"all"``.

    Raises:
        SegkitError: two classes have one name, or a class is called ``"all"``.
        ValueError: shapes do not fit, or a pixel's index was not in 0…K-1.
    """
    if len(set(classes)) != len(classes) or "all" in classes:
        raise SegkitError(
            "scores cannot be named by the classes",
            where=f"dataset.classes={list(classes)}",
            remedy='give each class a name of its own, other than "all"',
        )
    _, counts_GK4 = sum_by_group(counts_NK4, groups)
    if counts_GK4.shape[1] != len(classes) or len(classes) < 2:
        raise ValueError(f"counts {counts_NK4.shape} for the classes {tuple(classes)}")
    _check_complete(counts_GK4)
    scores = {name: _score_class(counts_GK4[:, k]) for k, name in enumerate(classes) if k}
    return {**scores, "all": _score_all(counts_GK4, list(scores.values()))}


def _score_class(counts_G4: Counts) -> Scores:
    pooled = counts_G4.sum(axis=0)
    tp, fp, fn, tn = np.moveaxis(pooled, -1, 0)
    n_empty, rate = _empties(counts_G4)
    return Scores(
        dice=_mean(dice(counts_G4)),
        dice_pooled=float(dice(pooled)),
        iou=_mean(iou(counts_G4)),
        precision=float(_ratio(tp, tp + fp)),
        recall=float(_ratio(tp, tp + fn)),
        specificity=float(_ratio(tn, tn + fp)),
        accuracy=float(_ratio(tp + tn, pooled.sum())),
        accuracy_all_background=float(_ratio(fp + tn, pooled.sum())),
        n=len(counts_G4),
        n_empty=n_empty,
        empty_false_positive_rate=rate,
    )


def _score_all(counts_GK4: Counts, scores: list[Scores]) -> Scores:
    pooled = counts_GK4.sum(axis=0)
    # Any foreground is the background turned round: its TN are TP, its FN are FP.
    n_empty, rate = _empties(counts_GK4[:, 0, ::-1])
    return Scores(
        dice=_mean([s.dice for s in scores]),
        dice_pooled=_mean([s.dice_pooled for s in scores]),
        iou=_mean([s.iou for s in scores]),
        precision=_mean([s.precision for s in scores]),
        recall=_mean([s.recall for s in scores]),
        specificity=_mean([s.specificity for s in scores]),
        accuracy=float(_ratio(pooled[:, 0].sum(), pooled[0].sum())),
        accuracy_all_background=float(_ratio(pooled[0, 0] + pooled[0, 2], pooled[0].sum())),
        n=len(counts_GK4),
        n_empty=n_empty,
        empty_false_positive_rate=rate,
    )


def _empties(counts_G4: Counts) -> tuple[int, float]:
    """Count the groups of empty truth; return that and the share of them drawn upon."""
    tp, fp, fn, _ = np.moveaxis(counts_G4, -1, 0)
    empty = tp + fn == 0
    return int(empty.sum()), float(_ratio((empty & (fp > 0)).sum(), empty.sum()))


def _check_complete(counts_GK4: Counts) -> None:
    """Raise unless every pixel has exactly one class in the truth and one in the prediction."""
    tp, fp, fn, _ = np.moveaxis(counts_GK4, -1, 0)
    pixels_G = counts_GK4[:, :1].sum(axis=2)
    for side, pixels_GK in (("truth", tp + fn), ("prediction", tp + fp)):
        if (pixels_GK.sum(axis=1, keepdims=True) != pixels_G).any():
            raise ValueError(f"a pixel of the {side} has an index outside 0…{tp.shape[1] - 1}")


def _bounded(index_BHW: Tensor, classes: int) -> Tensor:
    """Return (B, H·W) in 0…classes, where ``classes`` stands for whatever is outside."""
    index = index_BHW.flatten(1)
    if index.dtype != torch.uint8:
        index = index.clamp(-1, 255).to(torch.uint8)  # -1 becomes 255
    # The smallest type that holds a pair of indices: the time goes into memory.
    return index.clamp(max=classes).to(torch.uint8 if classes < 16 else torch.int32)


def _histogram(values_BP: Tensor, bins: int) -> Tensor:
    """Count the values 0…bins-1 of each row, (B, bins) int64."""
    if values_BP.device.type == "cpu":
        return torch.stack([row.bincount(minlength=bins) for row in values_BP])
    # There bincount waits for the device, to learn how long its answer will be.
    return torch.stack([(values_BP == value).sum(dim=1) for value in range(bins)], dim=1)


def _ratio(numerator: Counts, denominator: Counts) -> Values:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.true_divide(numerator, denominator))


def _mean(values: Iterable[float]) -> float:
    defined = [float(value) for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan
