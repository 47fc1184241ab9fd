"""Several runs of each configuration, by seed: what training's own chance does to a comparison.

One run a configuration shows how two networks differ, not two configurations: another seed may turn
it round. Both sources, the images and the training, have to be drawn anew before an interval speaks
of configurations (Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segkit.statistics.intervals import LEVEL, RESAMPLES
from segkit.statistics.paired import DIGITS, Difference

Values = NDArray[np.float64]

# Numbers held at once: a data set of many groups is resampled in several goes.
_AT_ONCE = 1 << 22
# The means of equal scores differ in their last digits: a variance that is none.
_NOTHING = 1e-24


@dataclass(frozen=True, slots=True)
class SeededDifference(Difference):
    """Of several runs each.

    Attributes:
        seeds: runs of the first and of the second configuration.
        seed_share: share of the difference's variance that more seeds would take away, 0 to 1;
            the rest only more groups do. NaN with fewer than two seeds a side, or no variance.
    """

    seeds: tuple[int, int]
    seed_share: float


@dataclass(frozen=True, slots=True)
class _Variances:
    """Of the difference of two means over seeds and groups, by what it comes from.

    Attributes:
        seeds: all that another set of seeds would change.
        freedom: degrees of freedom of ``seeds`` (Welch 1947).
        groups: what would change with other groups, however many seeds there were.
        group_scale: what deviations of resampled groups are multiplied by to be of ``groups``.
    """

    seeds: float
    freedom: float
    groups: float
    group_scale: float


def difference_with_seeds(
    first_SG: Values,
    second_TG: Values,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> SeededDifference:
    """Compare two configurations, each trained with several seeds.

    Groups and seeds are crossed: every seed scores every group. Each resample draws the groups with
    replacement, together for all runs, and the seeds' part of the difference from a Student
    distribution about the one found. Seeds are not drawn with replacement: three of them, redrawn,
    vary by a third less than seeds do and never leave their range, and such an interval is too
    narrow (Davison and Hinkley 1997, 3.8, of few units at the upper level). What a seed does to a
    single group is part of both draws; it is taken out of the groups', for counted in each it would
    make the interval too wide (McCullagh 2000; Owen 2007).

    The interval is of percentiles of the resamples; p is the level at which it would touch 0. A
    seed's number pairs no runs: seeds of the two configurations are independent.

    Args:
        first_SG: (S, G) the score of each seed and group; NaN where it is undefined.
        second_TG: (T, G) of the second configuration, the groups in the same order.
        seed: the same seed gives the same interval.
        resamples: how many draws.
        level: share of them between the bounds, 0 to 1.

    Returns:
        A group counts if it is defined in every run. With fewer than two groups, or two seeds a
        side, the interval and p are undefined.

    Raises:
        ValueError: the shapes do not fit.
    """
    _check(first_SG)
    _check(second_TG)
    if first_SG.shape[1] != second_TG.shape[1]:
        raise ValueError(f"scores {first_SG.shape} against {second_TG.shape}")
    known_G = ~np.isnan(np.concatenate([first_SG, second_TG])).any(axis=0)
    first, second = first_SG[:, known_G], second_TG[:, known_G]
    n, seeds = first.shape[1], (len(first), len(second))
    difference = round(float(second.mean() - first.mean()), DIGITS) if n else np.nan
    low = high = p = seed_share = np.nan
    if n >= 2 and min(seeds) >= 2:
        parts = _variances(first, second)
        whole = parts.seeds + parts.groups
        seed_share = parts.seeds / whole if whole > _NOTHING else np.nan
        drawn_R = _resampled(first, second, parts, np.random.default_rng(seed), resamples)
        drawn_R = drawn_R.round(DIGITS)
        low, high = np.percentile(drawn_R, [50 * (1 - level), 50 * (1 + level)])
        rarer = min((drawn_R <= 0).sum(), (drawn_R >= 0).sum())
        p = min(1.0, 2 * (rarer + 1) / (resamples + 1))
    return SeededDifference(
        difference=difference,
        low=float(low),
        high=float(high),
        p=float(p),
        n=n,
        left_out=first_SG.shape[1] - n,
        seeds=seeds,
        seed_share=float(seed_share),
    )


def _check(scores_SG: Values) -> None:
    if scores_SG.ndim != 2 or not len(scores_SG):
        raise ValueError(f"scores are of seeds and groups, got {scores_SG.shape}")


def _variances(first_SG: Values, second_TG: Values) -> _Variances:
    """Analysis of variance, seeds crossed with groups; the two sides' seeds are independent."""
    of_seeds, of_both = np.zeros(2), np.zeros(2)
    freedoms = np.array([len(first_SG) - 1, len(second_TG) - 1])
    for side, scores_SG in enumerate((first_SG, second_TG)):
        seeds, groups = scores_SG.shape
        means_S1 = scores_SG.mean(axis=1, keepdims=True)
        rest_SG = scores_SG - means_S1 - scores_SG.mean(axis=0) + scores_SG.mean()
        of_seeds[side] = means_S1.var(ddof=1) / seeds
        of_both[side] = (rest_SG**2).sum() / ((seeds - 1) * (groups - 1)) / (seeds * groups)
    total = of_seeds.sum()
    freedom = total**2 / (of_seeds**2 / freedoms).sum() if total > 0 else np.inf
    change_G = second_TG.mean(axis=0) - first_SG.mean(axis=0)
    of_groups = change_G.var(ddof=1) / len(change_G)
    # What of the seeds shows in the groups' differences, however few they are, is not theirs.
    own = max(0.0, of_groups - of_both.sum())
    scale = np.sqrt(own / of_groups) if of_groups > 0 else 0.0
    return _Variances(float(total), float(freedom), float(own), float(scale))


def _resampled(
    first_SG: Values,
    second_TG: Values,
    parts: _Variances,
    rng: np.random.Generator,
    resamples: int,
) -> Values:
    """(R,) differences of other groups and other seeds."""
    change_G = second_TG.mean(axis=0) - first_SG.mean(axis=0)
    count, middle = len(change_G), change_G.mean()
    step = max(1, _AT_ONCE // count)
    means = []
    for start in range(0, resamples, step):
        index_RG = rng.integers(0, count, size=(min(step, resamples - start), count))
        means.append(change_G[index_RG].mean(axis=1))
    groups_R = parts.group_scale * (np.concatenate(means) - middle)
    # Without variance there are no degrees of freedom either.
    unit_R = rng.standard_t(parts.freedom, size=resamples) if parts.seeds > 0 else np.zeros(1)
    return np.asarray(middle + groups_R + np.sqrt(parts.seeds) * unit_R)
