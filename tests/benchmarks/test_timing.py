"""The arithmetic of the benchmark."""

import time

import pytest

from segkit.benchmarks.table import as_json, show
from segkit.benchmarks.timing import Figure, Spread, seconds, speedup, spread


def test_a_spread_is_median_lowest_and_highest() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.0, 2.0)


def test_a_speedup_is_their_time_over_ours_round_by_round() -> None:
    # Both slow down in the second round, which leaves the ratio as it is.
    assert speedup([1.0, 10.0, 2.0], [2.0, 20.0, 3.0]) == Spread(2.0, 1.5, 2.0)


def test_rounds_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        speedup([1.0], [1.0, 2.0])


def test_seconds_of_a_call() -> None:
    assert seconds(lambda: time.sleep(0.02)) >= 0.02


@pytest.mark.parametrize(
    ("figure", "reached"),
    [
        (Figure("p", "w", 5, "s"), None),
        (Figure("p", "w", 5, "s", goal=4), True),
        (Figure("p", "w", 5, "s", goal=4, at_most=True), False),
        (Figure("p", "w", 5, "s", "b", Spread(0.9, 0.8, 1.1), goal=1), False),
        (Figure("p", "w", 5, "s", "b", Spread(0.9, 0.8, 1.1), goal=1, at_most=True), True),
    ],
)
def test_goals(figure: Figure, reached: bool | None) -> None:
    assert figure.reached is reached


def test_table_and_json_hold_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    figures = [
        Figure("training", "segkit", 41.5, "images/s"),
        Figure("training", "bare loop", 42.0, "images/s", "÷ bare", Spread(0.99, 0.97, 1.0), 0.97),
        Figure("memory", "all", 1234.0, "MiB", goal=1000, at_most=True),
    ]
    show(figures, "a machine")
    printed = capsys.readouterr().out
    for text in (
        "a machine",
        "41.5 images/s",
        "0.99 (0.97 to 1.00)",
        "≥ 0.97 reached",
        "1,234 MiB",
    ):
        assert text in printed
    assert "≤ 1000 missed" in printed
    kept = as_json(figures, {"cores": 2})
    assert kept["cores"] == 2
    assert [one["reached"] for one in kept["figures"]] == [None, True, False]
    assert kept["figures"][1]["ratio"] == {"median": 0.99, "low": 0.97, "high": 1.0}
