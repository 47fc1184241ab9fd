"""The scores of objects, each defined once. Everything is made from the integers of one image.

``counts`` arrays end in the axis :data:`segkit.tasks.instance.matching.COUNTS`. They add up, so a
group of images and a split are scored like one image, and any number of processes agree to the last
digit. With TP matches, FP predictions and FN true objects without one, at some IoU threshold τ:

``ap50`` … ``ap95``, ``ap``
    TP / (TP + FP + FN) of the summed counts, matches at IoU >= τ; ``ap`` is the mean over τ of
    .5:.05:.95. StarDist calls it average precision (Schmidt et al. 2018, and ``matching`` of its
    package), though nothing is ranked; elsewhere it is the critical success index.
``ap50_image``, ``ap_image``
    The same of each image, averaged over the images of a group, and then over groups: over images
    where each is scored by itself, which is what runs are compared by. Where only one side of an
    image has objects it is 0; where neither has, the image is left out, and counted in
    ``n_images_both_empty``.
``kaggle_map``
    The metric of Kaggle's 2018 Data Science Bowl (Caicedo et al. 2019): ``ap_image`` with matches
    at IoU > τ, and always over images. Its images all have objects.
``precision_50``, ``recall_50``, ``f1_50``
    TP / (TP + FP), TP / (TP + FN) and 2TP / (2TP + FP + FN) at τ = .5, of the summed counts.
``sq``, ``rq``, ``pq``
    Mean IoU of the matches at IoU > .5, their F1, and the product of the two: segmentation,
    recognition and panoptic quality (Kirillov et al. 2019), of the summed counts, of one class.
``aji``
    Aggregated Jaccard index (Kumar et al. 2017). Each true object takes the prediction of highest
    IoU, which others may take too; the pixels of these intersections over those of the unions, to
    which predictions that none took, and true objects that none touches, add their areas. Of the
    summed pixels; authors who average it over images get another number.
``count_error``, ``count_bias``
    Mean over all images of |n̂ - n| / n, and of (n̂ - n) / n, of n true and n̂ predicted objects.
    Images without a true one are left out, and counted in ``n_images_empty``.
``merged_share``
    Share of the true objects covered by over half by one prediction that covers over half of two
    or more.
``split_share``
    Share of the true objects of which over half is covered, but only by several predictions
    together.
``dice_pooled``, ``dice``, ``iou``
    Of the pixels in any object, as the semantic task defines them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segkit.statistics.intervals import mean_where_defined
from segkit.tasks.instance.matching import COUNTS, PERCENTS, SCALE
from segkit.tasks.semantic.metrics import dice, score
from segkit.tasks.tally import sum_by_group

Counts = NDArray[np.int64]
Values = NDArray[np.float64]
# Of counts; whole numbers whatever their type.
Sums = NDArray[np.int64] | NDArray[np.float64]

# Average precision over the IoU threshold, in the order of PERCENTS.
CURVE = tuple(f"ap{percent}" for percent in PERCENTS)
# A group of many images counts once.
BY_UNIT = ("ap50_image", "ap_image")
_PIXELS = ("tp", "fp", "fn", "tn")


def scores(counts_NC: Counts, units: Sequence[str]) -> dict[str, float]:
    """Score a split, the same to the last bit in whatever order its images come. NaN is undefined.

    Args:
        counts_NC: (N, C) of each image, each once.
        units: the group of each image. Only ``dice`` and ``iou``, as the semantic task has them,
            and :data:`BY_UNIT` are means over groups; everything else is of images, or of all
            objects together.

    Returns:
        The scores that the module describes, by name, and last what they are of: ``n`` groups,
        ``n_empty`` of them without a true object, ``n_images``, ``n_images_empty`` without a true
        object, ``n_images_both_empty`` without any, ``n_true`` and ``n_found`` objects.

    Raises:
        ValueError: shapes do not fit.
    """
    pixels_N4 = np.stack([_by_name(counts_NC)[name] for name in _PIXELS], axis=-1)
    # The background is the foreground turned round.
    of_pixels = score(
        np.stack([pixels_N4[:, ::-1], pixels_N4], axis=1), units, ("background", "object")
    )
    _, counts_UC = sum_by_group(counts_NC, units)
    total = counts_NC.sum(axis=0)
    one = {name: int(value) for name, value in _by_name(total).items()}
    return {
        **{name: float(value) for name, value in pooled(total).items()},
        **{name: float(mean_where_defined(each(counts_UC, name))) for name in BY_UNIT},
        "dice": of_pixels["object"].dice,
        "iou": of_pixels["object"].iou,
        "n": of_pixels["object"].n,
        "n_empty": of_pixels["object"].n_empty,
        "n_images": one["images"],
        "n_images_empty": one["images"] - one["images_with_true"],
        "n_images_both_empty": one["images"] - one["images_with_any"],
        "n_true": one["true"],
        "n_found": one["found"],
    }


def pooled(counts: Sums) -> dict[str, Values]:
    """Every score but those that are means over groups, of any number of sums of counts at once.

    A resample of a bootstrap over groups is such a sum: (R, G) numbers, how often each group is
    drawn, times (G, C) gives the (R, C) of R resamples.

    Args:
        counts: (…, C), integers, or whole numbers of a floating-point type.

    Returns:
        (…) by name; NaN where a score is undefined.

    Raises:
        ValueError: the last axis is not COUNTS.
    """
    of = _by_name(counts)
    true, found, tp_50 = of["true"], of["found"], of["tp_50"]
    both = true + found
    aps = {
        name: _ratio(of[f"tp_{percent}"], both - of[f"tp_{percent}"])
        for name, percent in zip(CURVE, PERCENTS, strict=True)
    }
    any_, with_true = SCALE * of["images_with_any"], SCALE * of["images_with_true"]
    return {
        **aps,
        "ap": np.asarray(sum(aps.values()) / len(aps)),
        "ap50_image": _ratio(of["ap50_e6"], any_),
        "ap_image": _ratio(of["ap_e6"], any_),
        "kaggle_map": _ratio(of["kaggle_e6"], any_),
        "f1_50": _ratio(2 * tp_50, both),
        "precision_50": _ratio(tp_50, found),
        "recall_50": _ratio(tp_50, true),
        "pq": _ratio(2 * of["iou_e6"], SCALE * both),
        "sq": _ratio(of["iou_e6"], SCALE * of["above_50"]),
        "rq": _ratio(2 * of["above_50"], both),
        "aji": _ratio(of["aji_intersection"], of["aji_union"]),
        "count_error": _ratio(of["count_error_e6"], with_true),
        "count_bias": _ratio(of["count_bias_e6"], with_true),
        "merged_share": _ratio(of["merged_objects"], true),
        "split_share": _ratio(of["split_objects"], true),
        "dice_pooled": dice(np.stack([of[name] for name in _PIXELS], axis=-1)),
    }


def each(counts: Counts, score: str) -> Values:
    """(N,) one of :func:`pooled` of each entry of (N, C) counts, be it an image or a group."""
    return pooled(counts)[score]


def _by_name(counts: Sums) -> dict[str, Sums]:
    return dict(zip(COUNTS, np.moveaxis(counts, -1, 0), strict=True))


def _ratio(
    numerator: NDArray[np.int64] | Values, denominator: NDArray[np.int64] | Values
) -> Values:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.true_divide(numerator, denominator))
