"""The definitions of the scores, written down once more, object by object; and images for them."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from segkit.tasks.instance.matching import Labels

Pair = tuple[Labels, Labels]


def noisy(seed: int, size: int = 48) -> Pair:
    """Discs, and the same moved, resized, lost, joined, and invented."""
    rng = np.random.default_rng(seed)
    truth, found = np.zeros((2, size, size), np.int32)
    y, x = np.mgrid[:size, :size]
    for id_ in rng.permutation(int(rng.integers(0, 25))) + 1:
        row, column, radius = rng.integers(0, size), rng.integers(0, size), rng.uniform(2, 7)
        truth[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = id_
        row, column = np.array([row, column]) + rng.integers(-2, 3, 2)
        if rng.random() < 0.9:
            inside = (y - row) ** 2 + (x - column) ** 2 <= (radius * rng.uniform(0.8, 1.2)) ** 2
            found[inside] = rng.integers(1, 40) * 1000 if rng.random() < 0.2 else id_
    if rng.random() < 0.3:
        found[-4:, -4:] = 77
    return truth, found


def stardist(truth: Labels, found: Labels, threshold: float) -> tuple[int, int, int, float]:
    """TP, FP, FN and the sum of IoU as StarDist's ``matching`` defines them: assignment."""
    true, predicted = (list(np.unique(labels[labels > 0])) for labels in (truth, found))
    iou = np.zeros((len(true), len(predicted)))
    for i, t in enumerate(true):
        for j, p in enumerate(predicted):
            iou[i, j] = ((truth == t) & (found == p)).sum() / ((truth == t) | (found == p)).sum()
    fewer = max(1, min(iou.shape))
    rows, columns = linear_sum_assignment(-(iou >= threshold).astype(float) - iou / (2 * fewer))
    matched = iou[rows, columns][iou[rows, columns] >= threshold]
    tp = len(matched)
    return tp, len(predicted) - tp, len(true) - tp, float(matched.sum())


def kumar(truth: Labels, found: Labels) -> tuple[int, int]:
    """Algorithm 1 of Kumar et al. 2017: the pixels of the intersections and of the unions."""
    top = bottom = 0
    rest = {int(p) for p in np.unique(found[found > 0])}
    used = set()
    for t in np.unique(truth[truth > 0]):
        ious = {
            p: ((truth == t) & (found == p)).sum() / ((truth == t) | (found == p)).sum()
            for p in rest
        }
        best = max(ious, key=lambda p: ious[p], default=0)
        if not best or not ious[best]:
            bottom += (truth == t).sum()
            continue
        top += ((truth == t) & (found == best)).sum()
        bottom += ((truth == t) | (found == best)).sum()
        used.add(best)
    return int(top), int(bottom + sum((found == p).sum() for p in rest - used))
