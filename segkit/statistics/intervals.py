"""How far a mean score would move on other patients: bootstrap over groups."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

RESAMPLES, LEVEL = 2000, 0.95
# Numbers held at once: a data set of many groups is resampled in several goes.
_AT_ONCE = 1 << 22


def mean_intervals(
    values_UK: Values,
    groups: Sequence[str],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Values:
    """Percentile intervals of means, by the cluster bootstrap (Davison and Hinkley 1997, 3.8).

    As many groups as there are are drawn with replacement, each with all its units; the mean is
    over the drawn units whose value is defined. Units of one group, such as the slices of a
    patient, are not independent, and an interval that took them for so would be too narrow.

    Args:
        values_UK: (U, K) a score of each unit and class; NaN where it is undefined.
        groups: the group of each unit, U of them.
        seed: the same seed gives the same intervals.
        resamples: how many draws.
        level: share of them between the bounds, 0 to 1.

    Returns:
        (K + 1, 2) lower and upper bound of each class's mean, and last of the mean over classes.
        NaN where fewer than two groups have a defined value.

    Raises:
        ValueError: shapes do not fit.
    """
    if values_UK.ndim != 2 or len(values_UK) != len(groups):
        raise ValueError(f"values {values_UK.shape} of {len(groups)} units")
    names, index_U = np.unique(np.array(groups, dtype=str), return_inverse=True)
    shape = (len(names), values_UK.shape[1])
    sums_GK, known_GK = np.zeros(shape), np.zeros(shape)
    np.add.at(sums_GK, index_U, np.nan_to_num(values_UK))
    np.add.at(known_GK, index_U, ~np.isnan(values_UK))
    means_RK = _resampled_means(sums_GK, known_GK, np.random.default_rng(seed), resamples)
    means = np.column_stack([means_RK, mean_where_defined(means_RK.T)])
    enough = [*(known_GK > 0).sum(axis=0), (known_GK > 0).any(axis=1).sum()]
    bounds = [50 * (1 - level), 50 * (1 + level)]
    return np.array(
        [
            np.nanpercentile(column, bounds) if groups_known >= 2 else (np.nan, np.nan)
            for column, groups_known in zip(means.T, enough, strict=True)
        ]
    )


def _resampled_means(
    sums_GK: Values, known_GK: Values, rng: np.random.Generator, resamples: int
) -> Values:
    count = len(sums_GK)
    step = max(1, _AT_ONCE // max(1, count))
    parts = []
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        # How often each group is drawn; a product with it sums over the drawn groups.
        drawn_RG = rng.multinomial(count, np.full(count, 1 / count), size=rows).astype(np.float64)
        with np.errstate(invalid="ignore"):
            parts.append((drawn_RG @ sums_GK) / (drawn_RG @ known_GK))
    return np.concatenate(parts)


def mean_where_defined(values: Values) -> Values:
    """Mean over the first axis, NaN left out; NaN where nothing is defined."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(values).sum(axis=0) / known.sum(axis=0))


def sum_intervals(
    counts_GC: NDArray[np.int64],
    scores: Callable[[Values], Mapping[str, Values]],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of scores of summed counts, by the cluster bootstrap.

    Args:
        counts_GC: (G, C) of each group; as many groups are drawn with replacement, and summed.
        scores: of (R, C) such sums, (R,) by name; NaN where undefined.
        seed: the same seed gives the same intervals.
        resamples: how many draws.
        level: share of them between the bounds, 0 to 1.

    Returns:
        Lower and upper bound by name; NaN of fewer than two groups.
    """
    groups = len(counts_GC)
    if groups < 2:
        names = scores(np.zeros((1, *counts_GC.shape[1:])))
        return dict.fromkeys(names, (np.nan, np.nan))
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // groups)
    parts = []
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        # How often each group is drawn; whole numbers below 2^53 are exact in floats.
        drawn_RG = rng.multinomial(groups, np.full(groups, 1 / groups), size=rows)
        parts.append(scores(drawn_RG.astype(np.float64) @ counts_GC.astype(np.float64)))
    bounds = [50 * (1 - level), 50 * (1 + level)]
    found = {}
    for name in parts[0]:
        values_R = np.concatenate([part[name] for part in parts])
        known = not np.isnan(values_R).all()
        low, high = np.nanpercentile(values_R, bounds) if known else (np.nan, np.nan)
        found[name] = float(low), float(high)
    return found
