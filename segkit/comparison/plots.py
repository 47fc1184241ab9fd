"""A comparison drawn: scores with their intervals, differences by group, courses of training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from segkit.comparison.comparison import Comparison
from segkit.comparison.configurations import Configuration
from segkit.drawing.plots import (
    FAINT,
    INK,
    SERIES,
    figure,
    png,
    style,
)
from segkit.statistics.intervals import mean_where_defined

Values = NDArray[np.float64]

_NAME = 40  # characters of a configuration's name beside an axis


def colour(number: int) -> str:
    """Of the configuration at this place."""
    return SERIES[number % len(SERIES)]


def scores_plot(comparison: Comparison) -> bytes:
    """Each configuration's score with its interval, and a dot for each seed, as a PNG."""
    many = len(comparison.configurations)
    plot, axes = _rows(many, f"{comparison.title} with 95 % intervals over {comparison.unit}")
    for number, each in enumerate(comparison.configurations):
        means = each.means_S[comparison.score]
        low, high = each.intervals[comparison.score]
        _interval(axes, number, float(means.mean()), (low, high), colour(number))
        if len(means) > 1:
            axes.plot(means, [number + 0.22] * len(means), ".", color=FAINT, markersize=5)
    _name_rows(axes, comparison.configurations)
    return png(plot)


def differences_plot(comparison: Comparison) -> bytes:
    """Each group's difference from the baseline, a dot each, and the mean with its interval."""
    others = comparison.configurations[1:]
    title = f"{comparison.title} less that of {_short(comparison.configurations[0].name)}"
    unit = "an image" if comparison.unit == "images" else "a group"
    plot, axes = _rows(len(others), f"{title}; a dot is {unit}")
    base = mean_where_defined(_values(comparison, comparison.configurations[0]))
    scatter = np.random.default_rng(0)
    axes.axvline(0, color=INK, linewidth=1)
    for number, (each, pair) in enumerate(zip(others, comparison.pairs, strict=True)):
        change = mean_where_defined(_values(comparison, each)) - base
        change = change[~np.isnan(change)]
        heights = number + 0.18 + 0.24 * scatter.random(len(change))
        axes.plot(change, heights, ".", color=colour(number + 1), markersize=3, alpha=0.5)
        bounds = (pair.found.low, pair.found.high)
        _interval(axes, number, pair.found.difference, bounds, colour(number + 1))
    _name_rows(axes, others)
    return png(plot)


def curves_plot(comparison: Comparison) -> bytes:
    """Score and loss over epochs of every run, in the colours of the configurations."""
    plot = figure(11, 4)
    leading = f"val/{next(iter(comparison.configurations[0].scores))}"
    score, loss = plot.subplots(1, 2)
    style(score, leading, "epoch")
    style(loss, "val/loss", "epoch")
    for number, each in enumerate(comparison.configurations):
        runs = [run for seed in each.runs for run in seed]
        for place, run in enumerate(runs):
            rows = run.metrics()
            for axes, name in ((score, leading), (loss, "val/loss")):
                points = [(row["epoch"], row.get(name, np.nan)) for row in rows]
                label = _short(each.name) if not place else None
                if points:
                    axes.plot(*zip(*points, strict=True), color=colour(number), lw=1.2, label=label)
    for axes in (score, loss):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if score.get_legend_handles_labels()[1]:
        score.legend(frameon=False, fontsize=8, labelcolor=INK)
    return png(plot)


def _values(comparison: Comparison, each: Configuration) -> Values:
    return each.scores[comparison.score]


def _rows(count: int, title: str) -> tuple[Figure, Axes]:
    plot = figure(11, 1.1 + 0.55 * max(1, count))
    axes = plot.add_subplot()
    style(axes, title)
    return plot, axes


def _interval(
    axes: Axes, row: int, middle: float, bounds: tuple[float, float], line_colour: str
) -> None:
    if not np.isnan(bounds[0]):
        axes.plot(bounds, [row, row], color=line_colour, linewidth=2.5, solid_capstyle="butt")
    axes.plot([middle], [row], "o", color=line_colour, markersize=7)


def _name_rows(axes: Axes, configurations: Sequence[Configuration]) -> None:
    names = [_short(each.name) for each in configurations]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
