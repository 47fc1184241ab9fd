"""Several runs of each configuration: shares worked out by hand, and coverage by simulation."""

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.statistics import seeds as paired_seeds
from segkit.statistics.paired import paired_difference
from segkit.statistics.seeds import SeededDifference, difference_with_seeds

Values = NDArray[np.float64]


FLAT = [[0.6, 0.8], [0.6, 0.8]]


@pytest.mark.parametrize(
    ("second", "share"),
    [
        # Both groups gain alike; 0.8 and 1.0 of the two seeds.
        ([[0.7, 0.9], [0.9, 1.1]], 1.0),
        # Both seeds gain alike; 0.2 and 0.1 of the two groups.
        ([[0.8, 0.9], [0.8, 0.9]], 0.0),
        # Seeds 0.75 and 0.95: 0.02 / 2. Groups 0.2 and 0.1: 0.005 / 2. Nothing of both.
        ([[0.7, 0.8], [0.9, 1.0]], 0.8),
        # Seeds 0.8 and 0.9: 0.005 / 2. Groups 0.2 and 0.1: 0.005 / 2, all of which comes from
        # what each seed does to each group: four times 0.05 squared, over 4.
        ([[0.7, 0.9], [0.9, 0.9]], 1.0),
    ],
)
def test_share_of_the_seeds_by_hand(second: list[list[float]], share: float) -> None:
    found = difference_with_seeds(np.array(FLAT), np.array(second), seed=0)
    assert found.difference == pytest.approx(np.mean(second) - 0.7)
    assert found.seed_share == pytest.approx(share, abs=1e-9)
    assert found.seeds == (2, 2)


def test_share_of_the_seeds_in_large_data() -> None:
    """0.02 of each of five seeds a side, against 0.1 of each of 400 groups, and 0.1 of both."""
    rng = np.random.default_rng(0)
    shares = []
    for trial in range(60):
        first, second = made(
            rng, 5, 5, groups=400, of_seed=0.02, of_change=0.1, of_both=0.1, gain=0
        )
        shares.append(difference_with_seeds(first, second, seed=trial, resamples=20).seed_share)
    seeds, groups = 2 * (0.02**2 + 0.1**2 / 400) / 5, 0.1**2 / 400
    assert np.mean(shares) == pytest.approx(seeds / (seeds + groups), abs=0.04)


def test_without_noise_of_seeds_the_interval_is_that_of_one_run() -> None:
    first, second = np.random.default_rng(0).random((2, 50))
    one = paired_difference(first, second, seed=0, resamples=10_000)
    many = difference_with_seeds(
        np.tile(first, (3, 1)), np.tile(second, (4, 1)), seed=0, resamples=10_000
    )
    assert many.difference == pytest.approx(one.difference)
    assert (many.n, many.seeds) == (50, (3, 4))
    close = 0.03 * (one.high - one.low)
    assert (many.low, many.high) == pytest.approx((one.low, one.high), abs=close)
    assert many.seed_share == pytest.approx(0, abs=1e-9)


def test_equal_runs_do_not_differ() -> None:
    first, second = (np.tile(np.linspace(0.53, 0.9, 10), (seeds, 1)) for seeds in (3, 7))
    assert first.mean() != second.mean()
    found = difference_with_seeds(first, second, seed=0)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert np.isnan(found.seed_share)


def test_p_and_interval_say_the_same() -> None:
    rng = np.random.default_rng(1)
    seen = set()
    for trial in range(200):
        first, second = made(
            rng, 3, 3, groups=30, of_seed=0.01, of_change=0.05, of_both=0.02, gain=0.03
        )
        found = difference_with_seeds(first, second, seed=trial, resamples=999)
        apart = found.low > 0 or found.high < 0
        # Percentiles lie between two resamples, so at the edge itself they may part.
        if abs(found.p - 0.05) > 0.005:
            assert apart == (found.p < 0.05)
            seen.add(apart)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("first", "second", "n"),
    [
        (np.zeros((1, 9)), np.ones((3, 9)), 9),
        (np.zeros((3, 9)), np.ones((1, 9)), 9),
        (np.zeros((3, 1)), np.ones((3, 1)), 1),
        (np.zeros((3, 0)), np.ones((3, 0)), 0),
        (np.zeros((2, 4)), np.full((2, 4), np.nan), 0),
    ],
)
def test_too_little_says_nothing(first: Values, second: Values, n: int) -> None:
    found = difference_with_seeds(first, second, seed=0)
    assert (found.n, found.left_out) == (n, first.shape[1] - n)
    assert found.difference == 1 if n else np.isnan(found.difference)
    assert np.isnan([found.low, found.high, found.p, found.seed_share]).all()


def test_groups_undefined_in_any_run_are_left_out() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 12)), rng.random((3, 12))
    gaps = first.copy(), second.copy()
    gaps[0][1, 4] = gaps[1][0, 4] = gaps[1][2, 7] = np.nan
    found = difference_with_seeds(*gaps, seed=0)
    expected = difference_with_seeds(
        np.delete(first, [4, 7], axis=1), np.delete(second, [4, 7], axis=1), seed=0
    )
    assert (found.n, found.left_out) == (10, 2)
    assert (found.difference, found.low, found.p) == (expected.difference, expected.low, expected.p)


def test_the_seed_and_nothing_else_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = np.random.default_rng(0).random((2, 3, 20))
    found = difference_with_seeds(first, second, seed=0)
    assert difference_with_seeds(first, second, seed=0) == found
    assert difference_with_seeds(first, second, seed=1).low != found.low
    monkeypatch.setattr(paired_seeds, "_AT_ONCE", 20 * 7)
    assert difference_with_seeds(first, second, seed=0) == found


@pytest.mark.parametrize("shape", [(3, 5), (4,), (0, 4)])
def test_scores_are_of_seeds_and_groups(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="scores"):
        difference_with_seeds(np.zeros(shape), np.zeros((2, 4)), seed=0)


def made(
    rng: np.random.Generator,
    first: int,
    second: int,
    *,
    groups: int,
    of_seed: float,
    of_change: float,
    of_both: float,
    gain: float,
) -> tuple[Values, Values]:
    """Scores of two configurations; deviations of each seed, of each group's gain, and of both."""
    sides = []
    base_G = rng.normal(0.8, 0.1, groups)
    for seeds, mean_G in ((first, base_G), (second, base_G + rng.normal(gain, of_change, groups))):
        noise = rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, of_both, (seeds, groups))
        sides.append(mean_G + noise)
    return sides[0], sides[1]


NOISES = {
    "seeds": {"of_seed": 0.03, "of_change": 0.02, "of_both": 0.02},
    "groups": {"of_seed": 0.002, "of_change": 0.08, "of_both": 0.02},
    "both": {"of_seed": 0.0, "of_change": 0.0, "of_both": 0.08},
    "all": {"of_seed": 0.01, "of_change": 0.08, "of_both": 0.05},
}


def differences(noise: str, first: int, second: int) -> list[tuple[Values, Values]]:
    rng = np.random.default_rng(0)
    return [made(rng, first, second, groups=50, gain=0.01, **NOISES[noise]) for _ in range(450)]


def coverage(found: list[SeededDifference]) -> float:
    return float(np.mean([f.low <= 0.01 <= f.high for f in found]))


@pytest.mark.sampled
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("first", "second"), [(5, 5), (3, 3), (2, 5)])
def test_intervals_cover_the_truth_when_seeds_vary(noise: str, first: int, second: int) -> None:
    data = differences(noise, first, second)
    found = [difference_with_seeds(*d, seed=i, resamples=600) for i, d in enumerate(data)]
    assert 0.92 <= coverage(found) <= 0.985


@pytest.mark.slow
def test_intervals_that_ignore_seeds_do_not_cover() -> None:
    hits = {"one run": 0, "mean of five": 0}
    data = differences("seeds", 5, 5)
    for trial, (first, second) in enumerate(data):
        sides = {
            "one run": (first[0], second[0]),
            "mean of five": (first.mean(axis=0), second.mean(axis=0)),
        }
        for name, scores in sides.items():
            found = paired_difference(*scores, seed=trial, resamples=600)
            hits[name] += found.low <= 0.01 <= found.high
    assert max(hits.values()) / len(data) < 0.7


def redrawn(first_SG: Values, second_TG: Values, rng: np.random.Generator) -> Values:
    """The interval of the plain two-way bootstrap: groups and seeds drawn with replacement."""
    means = []
    for _ in range(400):
        drawn_G = rng.integers(0, first_SG.shape[1], first_SG.shape[1])
        sides = (
            scores[rng.integers(0, len(scores), len(scores))][:, drawn_G].mean()
            for scores in (first_SG, second_TG)
        )
        means.append(-np.subtract(*sides))
    return np.asarray(np.percentile(means, [2.5, 97.5]))


@pytest.mark.slow
def test_why_seeds_are_not_drawn_with_replacement() -> None:
    rng = np.random.default_rng(1)
    bounds = [redrawn(first, second, rng) for first, second in differences("seeds", 3, 3)[:300]]
    assert np.mean([low <= 0.01 <= high for low, high in bounds]) < 0.88
