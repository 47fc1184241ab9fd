"""Bootstrap intervals: against SciPy's where units are independent, by coverage where not."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap

from segkit.statistics import intervals
from segkit.statistics.intervals import mean_intervals


def names(groups: NDArray[np.int64]) -> list[str]:
    return [f"patient{group}" for group in groups]


def test_units_of_their_own_give_what_scipy_gives() -> None:
    values = np.random.default_rng(0).beta(8, 2, 60)
    own = mean_intervals(values[:, None], names(np.arange(60)), seed=1, resamples=20_000)
    scipy = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    # Two draws of the resamples: their percentiles differ by a few per cent of the width.
    assert own[0] == pytest.approx([scipy.low, scipy.high], abs=0.03 * (scipy.high - scipy.low))


def test_of_one_class_the_mean_over_classes_is_the_class() -> None:
    values = np.random.default_rng(0).random((20, 1))
    found = mean_intervals(values, names(np.arange(20)), seed=0)
    assert found.shape == (2, 2)
    assert found[0].tolist() == found[1].tolist()
    assert found[0, 0] < values.mean() < found[0, 1]


def covered(*, by_group: bool) -> float:
    """How often intervals of made-up patients, three like images each, hold the true mean."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 3)
    hits, trials = 0, 400
    for trial in range(trials):
        patient = rng.normal(0.8, 0.1, 60)
        values = patient[groups] + rng.normal(0, 0.02, 180)
        units = names(groups if by_group else np.arange(180))
        low, high = mean_intervals(values[:, None], units, seed=trial, resamples=400)[0]
        hits += bool(low <= 0.8 <= high)
    return hits / trials


@pytest.mark.slow
def test_resampling_groups_covers_the_truth_and_resampling_images_does_not() -> None:
    assert 0.90 <= covered(by_group=True) <= 0.98
    assert covered(by_group=False) < 0.80


def test_groups_of_many_sizes_against_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 12, 70)
    values = rng.random((70, 2))
    values[rng.random((70, 2)) < 0.2] = np.nan
    present = np.unique(groups)
    means = []
    for _ in range(4000):
        drawn = rng.choice(present, len(present))
        units = np.concatenate([values[groups == group] for group in drawn])
        means.append([*np.nanmean(units, axis=0), np.nanmean(units, axis=0).mean()])
    expected = np.percentile(means, [2.5, 97.5], axis=0).T
    found = mean_intervals(values, names(groups), seed=0, resamples=4000)
    width = (expected[:, 1] - expected[:, 0])[:, None]
    assert (np.abs(found - expected) < 0.08 * width).all()


def test_undefined_values_are_left_out_as_in_the_mean() -> None:
    values = np.array([[0.5], [np.nan], [0.5], [0.5]])
    found = mean_intervals(values, names(np.arange(4)), seed=0)
    assert found.tolist() == [[0.5, 0.5]] * 2


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ([[0.1], [0.9]], [0, 0]),
        ([[0.1], [np.nan]], [0, 1]),
        ([[np.nan], [np.nan]], [0, 1]),
    ],
)
def test_fewer_than_two_groups_have_no_interval(
    values: list[list[float]], groups: list[int]
) -> None:
    assert np.isnan(mean_intervals(np.array(values), names(np.array(groups)), seed=0)).all()


def test_a_class_of_one_group_has_none_and_the_others_have() -> None:
    values = np.array([[0.1, 0.3], [0.9, np.nan], [0.5, np.nan]])
    found = mean_intervals(values, names(np.arange(3)), seed=0)
    assert np.isnan(found).tolist() == [[False] * 2, [True] * 2, [False] * 2]


def test_the_seed_and_nothing_else_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((25, 2))
    units = names(np.arange(25))
    first = mean_intervals(values, units, seed=0)
    order = np.random.default_rng(1).permutation(25)
    again = mean_intervals(values[order], [units[i] for i in order], seed=0)
    np.testing.assert_allclose(again, first, rtol=1e-12)
    assert not np.allclose(mean_intervals(values, units, seed=1), first)
    monkeypatch.setattr(intervals, "_AT_ONCE", 25 * 7)
    in_parts = mean_intervals(values, units, seed=0)
    np.testing.assert_allclose(in_parts, first, rtol=1e-12)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="of 2 units"):
        mean_intervals(np.zeros((3, 1)), ["a", "b"], seed=0)
