"""Seconds of rivals that take turns, and how they compare."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Of several rounds: the median, the lowest and the highest."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        part: of the benchmark.
        what: was measured.
        value: its figure.
        unit: of the figure.
        against: what it is held against, or "".
        ratio: how many times better than that, round by round; None where nothing is beside it.
        goal: what the ratio, or without one the figure, should reach; None where there is none.
        at_most: whether the goal is an upper bound.
    """

    part: str
    what: str
    value: float
    unit: str
    against: str = ""
    ratio: Spread | None = None
    goal: float | None = None
    at_most: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None without one."""
        if self.goal is None:
            return None
        figure = self.value if self.ratio is None else self.ratio.median
        return figure <= self.goal if self.at_most else figure >= self.goal


def spread(values: Sequence[float]) -> Spread:
    """The median of some rounds, and their range."""
    return Spread(statistics.median(values), min(values), max(values))


def speedup(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """How many times faster ours was: their seconds over ours, of each round.

    The two of a round follow each other, so that what the machine does besides touches both.

    Raises:
        ValueError: the two are not of the same rounds.
    """
    return spread([b / a for a, b in zip(ours, theirs, strict=True)])


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes, in seconds of wall time."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rates(
    part: str,
    taken: Mapping[str, Sequence[float]],
    amount: float,
    unit: str,
    *,
    goals: Mapping[str, float],
    what: str = "",
) -> list[Figure]:
    """Amounts a second, segkit's first, and how many times faster it was than each rival.

    Args:
        part: of the benchmark.
        taken: seconds by name, as :func:`interleaved` gives them.
        amount: that was worked through in each round.
        unit: of the rates.
        goals: of the ratios, by name.
        what: stands before each name.
    """
    ours = next(iter(taken.values()))
    figures: list[Figure] = []
    for name, spent in taken.items():
        rate = spread([amount / each for each in spent]).median
        beside = () if not figures else (f"segkit ÷ {name}", speedup(ours, spent), goals.get(name))
        figures.append(Figure(part, f"{what}: {name}" if what else name, rate, unit, *beside))
    return figures
