"""Two runs scored on the same groups: by how much they differ, and whether that can be chance.

The test and its correction for many comparisons are those that Demšar 2006 (Statistical comparisons
of classifiers over multiple data sets) recommends: Wilcoxon's signed ranks, and Holm's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

from segkit.statistics.intervals import LEVEL, RESAMPLES, mean_intervals

Values = NDArray[np.float64]

# Scores are ratios of counts: equal differences may differ in the last digits, and are ties.
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the second scores above the first. NaN means undefined.

    Attributes:
        difference: mean of second less first over the groups that count.
        low: lower bound of its 95 % interval.
        high: upper bound of its 95 % interval.
        p: two-sided probability of so much by chance, not adjusted for other comparisons.
        n: number of groups that count: those with a defined score in every run.
        left_out: number of the other groups.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    left_out: int


@dataclass(frozen=True, slots=True)
class PairedDifference(Difference):
    """A difference between one run and another, with effect sizes.

    Attributes:
        d_z: mean over standard deviation of the groups' differences (Cohen 1988, page 48); 0
            where all are 0, NaN where all are alike otherwise.
        rank_biserial: share of the rank sum in favour of the second less that in favour of the
            first, -1 to 1 (Kerby 2014): the effect that the signed-rank test is about.
    """

    d_z: float
    rank_biserial: float


def paired_difference(
    first_G: Values,
    second_G: Values,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> PairedDifference:
    """Compare two runs group by group.

    The interval is :func:`segkit.statistics.intervals.mean_intervals` of the differences:
    percentiles of the bootstrap over groups, as of every other score. p is :func:`signed_rank_p`.

    Args:
        first_G: (G,) the score of each group; NaN where it is undefined. Groups are taken for
            independent: images of one patient have to be made one score first.
        second_G: the same of the second run, in the same order.
        seed: the same seed gives the same interval.
        resamples: how many draws.
        level: share of them between the bounds, 0 to 1.

    Returns:
        With fewer than two groups the interval, p and effects are undefined.

    Raises:
        ValueError: the shapes do not fit.
    """
    if first_G.ndim != 1 or first_G.shape != second_G.shape:
        raise ValueError(f"scores {first_G.shape} against {second_G.shape}")
    all_G = second_G - first_G
    change = all_G[~np.isnan(all_G)]
    n = len(change)
    low = high = p = d_z = rank_biserial = np.nan
    if n >= 2:
        units = [str(group) for group in range(n)]
        low, high = mean_intervals(
            change[:, None], units, seed=seed, resamples=resamples, level=level
        )[0]
        p, d_z, rank_biserial = signed_rank_p(change), _d_z(change), _rank_biserial(change)
    return PairedDifference(
        difference=float(change.mean()) if n else np.nan,
        low=float(low),
        high=float(high),
        p=p,
        n=n,
        left_out=len(all_G) - n,
        d_z=d_z,
        rank_biserial=rank_biserial,
    )


def signed_rank_p(change_N: Values) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (Wilcoxon 1945).

    Differences of 0 are ranked with the others and their ranks then dropped (Pratt 1959): to leave
    them out before, as Wilcoxon did, would forget that these groups speak for no difference. Exact
    up to 50 groups without ties and zeros, and up to 13 with them; else by the normal
    approximation.

    Args:
        change_N: (N,) differences, none of them NaN.

    Returns:
        1 where all differences are 0.
    """
    rounded = change_N.round(DIGITS)
    if not rounded.any():
        return 1.0
    return float(wilcoxon(rounded, zero_method="pratt", method="auto").pvalue)


def _rank_biserial(change_N: Values) -> float:
    """(W+ - W-) / (N (N + 1) / 2) of the rank sums W; the rank of a 0 is on neither side."""
    rounded = change_N.round(DIGITS)
    ranks = rankdata(np.abs(rounded))
    return float((np.sign(rounded) * ranks).sum() / ranks.sum())


def _d_z(change_N: Values) -> float:
    rounded = change_N.round(DIGITS)
    if not rounded.any():
        return 0.0
    deviation = float(rounded.std(ddof=1))
    # The mean of equal numbers is off in the last digit, and so their deviation is not quite 0.
    return float(rounded.mean()) / deviation if np.ptp(rounded) else np.nan


def holm(p_M: Values) -> Values:
    """Adjust p for M comparisons, step by step from the smallest (Holm 1979).

    The k-th smallest is multiplied by M - k + 1, is at least the one before it, and
    at most 1. To call a difference real where the adjusted p is below 0.05 calls any wrongly so
    with a probability of 0.05 at most over all M together, whatever their dependence.

    Args:
        p_M: (M,); NaN is no comparison, stays NaN and is not counted.

    Raises:
        ValueError: one is outside 0…1, or the shape is not (M,).
    """
    known = ~np.isnan(p_M)
    if p_M.ndim != 1 or ((p_M[known] < 0) | (p_M[known] > 1)).any():
        raise ValueError(f"p-values of shape {p_M.shape}, each within 0…1 or NaN: {p_M}")
    adjusted = np.full(p_M.shape, np.nan)
    order = np.flatnonzero(known)[np.argsort(p_M[known], kind="stable")]
    times = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(times * p_M[order]), 1)
    return adjusted
