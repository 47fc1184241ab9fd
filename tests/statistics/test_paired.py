"""Two runs on the same groups: numbers worked out by hand, and what chance makes of them."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap, kstest, rankdata

from segkit.statistics.intervals import mean_intervals
from segkit.statistics.paired import PairedDifference, holm, paired_difference, signed_rank_p
from segkit.statistics.verdict import verdict

Values = NDArray[np.float64]


def test_six_groups_by_hand() -> None:
    first = np.array([0.50, 0.60, 0.70, 0.80, 0.40, 0.30])
    second = first + np.array([0.01, 0.02, -0.03, 0.04, 0.05, 0.06])
    found = paired_difference(first, second, seed=0)
    assert found.difference == pytest.approx(0.025)
    assert (found.n, found.left_out) == (6, 0)
    # Squared deviations sum to 0.00535: d_z = 0.025 / sqrt(0.00535 / 5).
    assert found.d_z == pytest.approx(0.76427, abs=1e-5)
    # Of the ranks 1 to 6 the third is against: (18 - 3) / 21.
    assert found.rank_biserial == pytest.approx(5 / 7)
    # No more against than 3: {}, {1}, {2}, {3}, {1, 2} of 64 choices of signs, and as many for.
    assert found.p == pytest.approx(10 / 64)


def test_the_second_less_the_first() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random(30), rng.random(30)
    there, back = (paired_difference(a, b, seed=0) for a, b in ((first, second), (second, first)))
    assert there.difference == pytest.approx(second.mean() - first.mean())
    assert back.difference == pytest.approx(-there.difference)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert (back.d_z, back.rank_biserial) == pytest.approx((-there.d_z, -there.rank_biserial))
    assert back.p == pytest.approx(there.p)


def test_zeros_are_ranked_and_then_dropped() -> None:
    change = np.array([0.0, 0.1, 0.2, -0.3, 0.4])
    # Ranks 2 to 5, the fourth against: {}, {2}, {3}, {4} of 16 weigh no more. Zeros left out
    # beforehand would give 10 of 16 rather than 8.
    assert signed_rank_p(change) == pytest.approx(8 / 16)
    found = paired_difference(np.zeros(5), change, seed=0)
    assert found.rank_biserial == pytest.approx((2 + 3 - 4 + 5) / 15)


def test_differences_that_are_equal_but_for_rounding_are_ties() -> None:
    first = np.array([0.7, 0.8, 0.5, 0.4, 0.3, 0.2])
    second = np.array([0.8, 0.9, 0.6, 0.5, 0.4, 0.1])
    assert len(set((second - first)[:5].tolist())) > 1
    found = paired_difference(first, second, seed=0)
    # Of 64 choices of signs seven have at most one against.
    assert found.p == pytest.approx(14 / 64)
    assert found.rank_biserial == pytest.approx(4 / 6)


def test_many_groups_with_ties_and_zeros_against_flipped_signs() -> None:
    rng = np.random.default_rng(4)
    change = np.round(rng.normal(0.01, 0.05, 60), 2)
    assert (change == 0).any()
    ranks = rankdata(np.abs(change))
    sums = rng.choice([-1, 1], size=(20_000, 60)) @ np.where(change == 0, 0, ranks)
    reached = abs((np.sign(change) * ranks).sum())
    assert 0.02 < signed_rank_p(change) < 0.6
    assert signed_rank_p(change) == pytest.approx((np.abs(sums) >= reached).mean(), abs=0.015)


def test_equal_scores_do_not_differ() -> None:
    scores = np.random.default_rng(0).random(40)
    found = paired_difference(scores, scores.copy(), seed=0)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert (found.d_z, found.rank_biserial) == (0, 0)


def test_one_step_for_all_has_no_standard_deviation() -> None:
    first = np.random.default_rng(0).random(8)
    found = paired_difference(first, first + 0.1, seed=0)
    assert np.isnan(found.d_z)
    assert found.rank_biserial == 1
    assert found.p == pytest.approx(2 / 2**8)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize(
    ("second", "n"), [([], 0), ([0.5], 1), ([np.nan, 0.5], 1), ([np.nan, np.nan], 0)]
)
def test_fewer_than_two_groups_say_nothing(second: list[float], n: int) -> None:
    found = paired_difference(np.zeros(len(second)), np.array(second), seed=0)
    assert (found.n, found.left_out) == (n, len(second) - n)
    rest = (found.low, found.high, found.p, found.d_z, found.rank_biserial)
    assert np.isnan(rest).all()
    assert found.difference == 0.5 if n else np.isnan(found.difference)


def test_groups_undefined_in_either_run_are_left_out() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 12))
    gaps = first.copy(), second.copy()
    gaps[0][[1, 4]] = np.nan
    gaps[1][[4, 7]] = np.nan
    kept = np.delete(first, [1, 4, 7]), np.delete(second, [1, 4, 7])
    found, expected = paired_difference(*gaps, seed=0), paired_difference(*kept, seed=0)
    assert (found.n, found.left_out) == (9, 3)
    assert (found.difference, found.low, found.p) == (expected.difference, expected.low, expected.p)


def test_the_interval_is_that_of_all_other_scores() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 40))
    units = [str(i) for i in range(40)]
    found = paired_difference(first, second, seed=3, resamples=500, level=0.8)
    own = mean_intervals((second - first)[:, None], units, seed=3, resamples=500, level=0.8)
    assert [found.low, found.high] == own[0].tolist()
    scipy = bootstrap(
        (second - first,), np.mean, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    wide = paired_difference(first, second, seed=3, resamples=10_000)
    close = 0.04 * (scipy.high - scipy.low)
    assert (wide.low, wide.high) == pytest.approx((scipy.low, scipy.high), abs=close)


def test_the_seed_decides() -> None:
    first, second = np.random.default_rng(0).random((2, 30))
    assert paired_difference(first, second, seed=0) == paired_difference(first, second, seed=0)
    others = {paired_difference(first, second, seed=seed).low for seed in range(5)}
    assert len(others) == 5


@pytest.mark.parametrize("shape", [(3,), (4, 1), ()])
def test_scores_are_of_the_same_groups(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="against"):
        paired_difference(np.zeros(shape), np.zeros(4), seed=0)


def test_holm_by_hand() -> None:
    # In order: 0.005 by 4, 0.01 by 3, 0.03 by 2; 0.04 by 1 is below the one before.
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_is_undefined() -> None:
    adjusted = holm(np.array([np.nan, 0.02, np.nan, 0.03]))
    np.testing.assert_allclose(adjusted, [np.nan, 0.04, np.nan, 0.04])
    assert holm(np.array([0.03])).tolist() == [0.03]
    assert holm(np.array([])).shape == (0,)
    assert np.isnan(holm(np.array([np.nan, np.nan]))).all()
    assert holm(np.array([0.7, 0.9])).tolist() == [1, 1]


def closed(p_M: Values) -> Values:
    """Holm is Bonferroni's test of every set that a hypothesis is in (Marcus et al. 1976)."""
    count = len(p_M)
    sets = [set(s) for k in range(1, count + 1) for s in combinations(range(count), k)]
    return np.array(
        [
            max(min(1.0, len(s) * min(p_M[j] for j in s)) for s in sets if i in s)
            for i in range(count)
        ]
    )


def test_holm_against_all_sets_of_comparisons() -> None:
    rng = np.random.default_rng(0)
    for count in (2, 5, 7):
        p = np.round(rng.random(count) ** 3, 2)
        np.testing.assert_allclose(holm(p), closed(p))


@pytest.mark.parametrize("p", [[-0.1], [1.1], [[0.1]]])
def test_holm_takes_probabilities(p: list[float]) -> None:
    with pytest.raises(ValueError, match="p-values"):
        holm(np.array(p))


def skewed(rng: np.random.Generator, count: int) -> Values:
    """Differences of two Dice, 0.01 on average: small on most images, large where one failed."""
    failed = rng.random(count) < 0.1
    return rng.beta(2, 6, count) * 0.08 - 0.02 + failed * rng.beta(2, 2, count) * 0.2


def symmetric(rng: np.random.Generator, count: int) -> Values:
    """Differences of two like runs: now one is better, now the other."""
    return rng.choice([-1, 1], count) * rng.beta(1, 8, count) * 0.2


def compared(
    draw: Callable[[np.random.Generator, int], Values], *, shift: float = 0.0, trials: int = 1000
) -> list[PairedDifference]:
    """Comparisons of made-up runs on 50 images."""
    rng = np.random.default_rng(0)
    return [
        paired_difference(np.zeros(50), draw(rng, 50) + shift, seed=trial, resamples=600)
        for trial in range(trials)
    ]


@pytest.mark.slow
def test_intervals_of_skewed_differences_cover_the_truth() -> None:
    covered = [found.low <= 0.01 <= found.high for found in compared(skewed)]
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize(("draw", "shift"), [(symmetric, 0.0), (skewed, -0.01)])
def test_equal_runs_are_seldom_called_different(
    draw: Callable[[np.random.Generator, int], Values], shift: float
) -> None:
    words = [verdict(found, found.p) for found in compared(draw, shift=shift)]
    assert np.mean([word in {"better", "worse"} for word in words]) <= 0.06


@pytest.mark.slow
def test_different_runs_are_mostly_called_so() -> None:
    words = [verdict(found, found.p) for found in compared(symmetric, shift=0.02)]
    assert np.mean([word == "better" for word in words]) > 0.9
    assert "worse" not in words


@pytest.mark.parametrize("count", [20, 80])
def test_p_is_uniform_where_runs_are_equal(count: int) -> None:
    rng = np.random.default_rng(0)
    p = [signed_rank_p(symmetric(rng, count)) for _ in range(400)]
    assert kstest(p, "uniform").pvalue > 0.01
