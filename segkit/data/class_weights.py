"""Weights that let rare classes count: ``loss.weight=auto``."""

import numpy as np

from segkit.data.datamodule import SegmentationData

_MOST = 20.0  # of a weight, and 1/20 the least: one pixel of a class must not drown the rest


def class_weights(data: SegmentationData) -> list[float]:
    """Median frequency balancing over the training masks, as they are trained on.

    The weight of a class is the median of all classes' frequencies over its own, between 1/20 and
    20, rounded to three digits; a class without a pixel weighs 1. Source: Eigen and Fergus 2015,
    arXiv:1411.4734, section 6.3.2, over all training pixels together.

    Args:
        data: prepared; its masks are of classes.
    """
    counts_K = np.zeros(len(data.classes), np.int64)
    for index in data.indices("train"):
        mask_HW = data.cache.mask(data.records[index].id)
        counts_K += np.bincount(mask_HW.ravel(), minlength=len(counts_K))
    found = counts_K > 0
    ratios_K = np.ones(len(counts_K))
    ratios_K[found] = np.median(counts_K[found]) / counts_K[found]
    return [float(f"{weight:.3g}") for weight in np.clip(ratios_K, 1 / _MOST, _MOST)]
