"""Intervals of scores of summed counts: against means, a closed form, and a plain loop."""

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.statistics import intervals
from segkit.statistics.intervals import Values, mean_intervals, sum_intervals

Counts = NDArray[np.int64]


def ratio(sums_RC: Values) -> dict[str, Values]:
    with np.errstate(invalid="ignore"):
        return {"ratio": sums_RC[:, 0] / sums_RC[:, 1], "first": sums_RC[:, 0]}


def counts(groups: int, seed: int = 0) -> Counts:
    rng = np.random.default_rng(seed)
    total = rng.integers(1, 200, groups)
    return np.stack([rng.binomial(total, 0.7), total], axis=1).astype(np.int64)


def test_of_groups_of_one_size_it_is_the_interval_of_the_mean() -> None:
    hits = np.random.default_rng(1).integers(0, 101, 40)
    found = sum_intervals(np.stack([hits, np.full(40, 100)], axis=1), ratio, seed=5)
    expected = mean_intervals(
        (hits / 100)[:, None], [f"{n:02}" for n in range(40)], seed=5
    )[0].tolist()
    assert found["ratio"] == pytest.approx(expected, rel=1e-12)


def test_a_sum_over_many_groups_is_normal() -> None:
    """The variance of a resampled sum of G groups is G times that of the groups."""
    made = counts(400)
    low, high = sum_intervals(made, ratio, seed=0, resamples=20_000)["first"]
    spread = 1.95996 * made[:, 0].std() * np.sqrt(len(made))
    middle = made[:, 0].sum()
    assert low == pytest.approx(middle - spread, abs=0.05 * spread)
    assert high == pytest.approx(middle + spread, abs=0.05 * spread)


def test_against_groups_drawn_one_by_one() -> None:
    made = counts(9, seed=2)
    rng = np.random.default_rng(7)
    sums = [made[rng.integers(0, 9, 9)].sum(axis=0) for _ in range(20_000)]
    values = [a / b for a, b in sums]
    for level in (0.95, 0.5):
        found = sum_intervals(made, ratio, seed=0, resamples=20_000, level=level)["ratio"]
        expected = np.percentile(values, [50 * (1 - level), 50 * (1 + level)])
        assert found == pytest.approx(expected, abs=0.03 * (expected[1] - expected[0]))


def test_the_same_seed_gives_the_same_however_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = counts(30)
    whole = sum_intervals(made, ratio, seed=4)
    assert whole == sum_intervals(made, ratio, seed=4)
    assert whole != sum_intervals(made, ratio, seed=5)
    monkeypatch.setattr(intervals, "_AT_ONCE", 1000)
    assert whole == sum_intervals(made, ratio, seed=4)


@pytest.mark.parametrize("groups", [0, 1])
def test_fewer_than_two_groups_have_none(groups: int) -> None:
    found = sum_intervals(counts(5)[:groups], ratio, seed=0)
    assert all(np.isnan(bound) for bounds in found.values() for bound in bounds)


def test_draws_without_a_value_are_left_out_and_none_at_all_is_nan() -> None:
    made = np.array([[0, 0], [3, 4]])
    assert sum_intervals(made, ratio, seed=0)["ratio"] == (0.75, 0.75)
    nothing = sum_intervals(np.zeros((4, 2), np.int64), ratio, seed=0)
    assert np.isnan(nothing["ratio"]).all()
    assert nothing["first"] == (0, 0)
