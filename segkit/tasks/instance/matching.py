"""Which predicted object is which true one, and the integer counts that all scores are made of.

Objects of one label image do not overlap. Therefore an IoU above 0.5 makes a pair that neither side
shares with another (Kirillov et al. 2019, section 3.1). At exactly 0.5 only the two exact halves of
an object can compete: each shares half of its pixels, and so has none elsewhere. Either half is as
good a match, so taking the first one found is optimal, and nothing needs to be assigned.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Labels = NDArray[np.integer[Any]]

# IoU thresholds in percent: compared in integers, a pair at a threshold is never a matter of luck.
PERCENTS = tuple(range(50, 100, 5))
# Sums of ratios are kept as integers of this many to one, to be the same in any order.
SCALE = 1_000_000

COUNTS = (
    *("tp", "fp", "fn", "tn"),  # pixels of the foreground
    *("true", "found"),  # objects
    *(f"tp_{percent}" for percent in PERCENTS),  # matches at IoU >= percent / 100
    *("above_50", "iou_e6"),  # matches at IoU > 0.5, and the millionths of their IoU
    *("aji_intersection", "aji_union"),  # pixels
    *("merged_objects", "split_objects"),  # true objects
    *("images", "images_with_any", "images_with_true"),  # with any object, with a true one
    *("ap50_e6", "ap_e6", "kaggle_e6"),  # millionths, of images with any object
    *("count_error_e6", "count_bias_e6"),  # millionths, of images with a true one
)


@dataclass(frozen=True)
class Matching:
    """The overlaps of T true and F predicted objects: P pairs that share pixels.

    Pairs are in the order of the first pixels they share: what is decided by it does not depend on
    how objects are numbered.

    Attributes:
        pixels: of the image.
        true_ids_T, found_ids_F: ascending.
        true_areas_T, found_areas_F: pixels.
        true_P, found_P: positions among the ids.
        shared_P: pixels of the intersection, at least 1.
    """

    pixels: int
    true_ids_T: Counts
    found_ids_F: Counts
    true_areas_T: Counts
    found_areas_F: Counts
    true_P: Counts
    found_P: Counts
    shared_P: Counts

    @cached_property
    def union(self) -> Counts:
        """(P,) pixels of the union of each pair."""
        return self.true_areas_T[self.true_P] + self.found_areas_F[self.found_P] - self.shared_P

    @cached_property
    def iou(self) -> NDArray[np.float64]:
        """(P,) intersection over union of each pair."""
        return np.asarray(self.shared_P / self.union)

    @cached_property
    def matches(self) -> Counts:
        """(M,) positions of the pairs that match, one to one, at IoU >= 0.5, ascending."""
        pairs = np.flatnonzero(2 * self.shared_P >= self.union)
        for side in (self.true_P, self.found_P):
            pairs = np.sort(pairs[np.unique(side[pairs], return_index=True)[1]])
        return pairs

    @cached_property
    def best(self) -> Counts:
        """(T,) position of the pair of highest IoU of each true object; -1 where it has none."""
        order = np.lexsort((-self.iou, self.true_P))  # stable: of equals the first
        true, first = np.unique(self.true_P[order], return_index=True)
        best = np.full(len(self.true_ids_T), -1)
        best[true] = order[first]
        return best

    @cached_property
    def covering(self) -> Counts:
        """(C,) positions of the pairs whose prediction covers over half of the true object."""
        return np.flatnonzero(2 * self.shared_P > self.true_areas_T[self.true_P])

    @cached_property
    def merging(self) -> NDArray[np.bool_]:
        """(F,) predictions that cover over half of each of two or more true objects."""
        return np.bincount(self.found_P[self.covering], minlength=len(self.found_ids_F)) >= 2

    @cached_property
    def merged(self) -> NDArray[np.bool_]:
        """(T,) true objects that lie by over half in one prediction together with others."""
        merged = np.zeros(len(self.true_ids_T), bool)
        merged[self.true_P[self.covering]] = self.merging[self.found_P[self.covering]]
        return merged

    @cached_property
    def split(self) -> NDArray[np.bool_]:
        """(T,) true objects over half covered, but only by several predictions together."""
        split = 2 * _sums(self.true_P, self.shared_P, len(self.true_ids_T)) > self.true_areas_T
        split[self.true_P[self.covering]] = False
        return split


def match(truth_HW: Labels, found_HW: Labels) -> Matching:
    """Hold the predicted objects of an image against the true ones.

    One pass over the pixels finds the runs in which neither label changes; the rest works on these.

    Args:
        truth_HW: (H, W) of any integer type; 0 is background, every other value an object, whose
            pixels need not be connected. Values need not be consecutive.
        found_HW: the same of the prediction.

    Raises:
        ValueError: the shapes differ or are empty, a type is not of integers, a label is negative.
    """
    if truth_HW.shape != found_HW.shape or truth_HW.ndim != 2 or not truth_HW.size:
        raise ValueError(f"ground truth {truth_HW.shape} against prediction {found_HW.shape}")
    truth, found = truth_HW.ravel(), found_HW.ravel()
    changes = (truth[1:] != truth[:-1]) | (found[1:] != found[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    true_ids, true = _numbered(truth[starts])
    found_ids, predicted = _numbered(found[starts])
    keys, first, run = np.unique(
        true * len(found_ids) + predicted, return_index=True, return_inverse=True
    )
    pixels = _sums(run, np.diff(starts, append=truth.size), len(keys))
    order = np.argsort(first)
    (true, predicted), pixels = np.divmod(keys[order], len(found_ids)), pixels[order]
    pairs = (true > 0) & (predicted > 0)
    return Matching(
        pixels=truth.size,
        true_ids_T=true_ids[1:],
        found_ids_F=found_ids[1:],
        true_areas_T=_sums(true, pixels, len(true_ids))[1:],
        found_areas_F=_sums(predicted, pixels, len(found_ids))[1:],
        true_P=true[pairs] - 1,
        found_P=predicted[pairs] - 1,
        shared_P=pixels[pairs],
    )


def _numbered(labels: Labels) -> tuple[Counts, Counts]:
    """The values, ascending, background always first, and the place of each label among them."""
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels are integers, not {labels.dtype}")
    ids, index = np.unique(np.append(labels, labels.dtype.type(0)), return_inverse=True)
    if ids[0] < 0:
        raise ValueError(f"labels are 0 or above, not {ids[0]}")
    return ids.astype(np.int64), index[:-1]


def _sums(index: Counts, pixels: Counts, length: int) -> Counts:
    # bincount adds in float64, which is exact for any number of pixels.
    return np.bincount(index, weights=pixels, minlength=length).astype(np.int64)


def count(matching: Matching) -> Counts:
    """What one image adds to the scores of a split, (len(COUNTS),), in the order of COUNTS.

    What the scores make of it, and where it comes from: :mod:`segkit.tasks.instance.metrics`.
    """
    m = matching
    true, found = len(m.true_ids_T), len(m.found_ids_F)
    shared, true_area, found_area = m.shared_P.sum(), m.true_areas_T.sum(), m.found_areas_F.sum()
    intersection_M, union_M = m.shared_P[m.matches], m.union[m.matches]
    # 0 is an IoU of exactly percent / 100.
    excess_KM = 100 * intersection_M - np.array(PERCENTS)[:, None] * union_M
    tp_K, above_K = (excess_KM >= 0).sum(axis=1), (excess_KM > 0).sum(axis=1)
    above = excess_KM[0] > 0
    used = m.best[m.best >= 0]
    untouched = m.true_areas_T[m.best < 0].sum()
    unused = np.delete(m.found_areas_F, m.found_P[used]).sum()
    # Where both sides are empty all of these are 0.
    ap_K, kaggle_K = (n_K / np.maximum(1, true + found - n_K) for n_K in (tp_K, above_K))
    bias = (found - true) / true if true else 0.0
    values = {
        "tp": shared,
        "fp": found_area - shared,
        "fn": true_area - shared,
        "tn": m.pixels - true_area - found_area + shared,
        "true": true,
        "found": found,
        **{f"tp_{percent}": tp for percent, tp in zip(PERCENTS, tp_K, strict=True)},
        "above_50": above_K[0],
        "iou_e6": np.rint(SCALE * m.iou[m.matches][above]).sum(),
        "aji_intersection": m.shared_P[used].sum(),
        "aji_union": m.union[used].sum() + untouched + unused,
        "merged_objects": m.merged.sum(),
        "split_objects": m.split.sum(),
        "images": 1,
        "images_with_any": true + found > 0,
        "images_with_true": true > 0,
        "ap50_e6": round(SCALE * ap_K[0]),
        "ap_e6": round(SCALE * ap_K.mean()),
        "kaggle_e6": round(SCALE * kaggle_K.mean()),
        "count_error_e6": round(SCALE * abs(bias)),
        "count_bias_e6": round(SCALE * bias),
    }
    return np.array([int(values[name]) for name in COUNTS])
