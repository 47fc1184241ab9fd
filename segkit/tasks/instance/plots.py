"""Plots of an evaluation of objects: how exact they are, how many, and how large."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from segkit.drawing.plots import BLUE, FAINT, INK, RED, figure, legend_above, save, style
from segkit.tasks.instance.matching import PERCENTS
from segkit.tasks.instance.metrics import CURVE

Values = NDArray[np.float64]
_BINS = 30
_DECADES = 20  # how many times the smallest the largest may be for ticks between powers of ten


def precision_plot(path: str | Path, scores: Mapping[str, Values], *, title: str) -> None:
    """Draw AP over the IoU that a match must have, as a PNG.

    Args:
        path: where to write; the file appears whole or not at all.
        scores: ``ap50`` … ``ap95`` of all objects together.
        title: above the plot.
    """
    plot = figure(6, 4)
    axes = plot.add_subplot()
    style(axes, title, "IoU of a match, at least", "TP / (TP + FP + FN)")
    across = [percent / 100 for percent in PERCENTS]
    values = [float(scores[name]) for name in CURVE]
    axes.plot(across, values, color=BLUE, marker="o", linewidth=1.8)
    for x, y in zip(across[::2], values[::2], strict=False):
        axes.annotate(
            f"{y:.2f}", (x, y), (0, 7), textcoords="offset points", ha="center", color=INK
        )
    axes.set_ylim(0, 1.08)
    save(plot, path)


def counts_plot(
    path: str | Path, true_N: NDArray[np.int64], found_N: NDArray[np.int64], *, title: str
) -> None:
    """Draw the numbers of objects found and there, as a PNG, twice: one over the other, and so.

    The difference over the mean of both (Bland and Altman 1986) shows what a scatter hides: a
    bias, and whether it grows with the number.

    Args:
        path: where to write; the file appears whole or not at all.
        true_N: of each image.
        found_N: of each image.
        title: above the plot.
    """
    plot = figure(11, 4)
    beside, apart = plot.subplots(1, 2)
    style(beside, title, "true objects of an image", "found")
    style(apart, "", "mean of found and true objects of an image", "found - true")
    most = int(max(true_N.max(initial=1), found_N.max(initial=1)))
    beside.plot([0, most], [0, most], color=FAINT, linewidth=1, label="as many as there are")
    dots = {"color": BLUE, "s": 14, "alpha": 0.6, "linewidths": 0}
    beside.scatter(true_N, found_N, **dots)
    legend_above(beside)
    difference = (found_N - true_N).astype(np.float64)
    apart.scatter((found_N + true_N) / 2, difference, **dots)
    apart.axhline(0, color=FAINT, linewidth=1)
    if len(difference):
        bias, spread = float(difference.mean()), float(difference.std())
        apart.axhline(bias, color=RED, linewidth=1.4, label=f"mean {bias:+.2f}")
        for side in (-1.96, 1.96):
            limit, dashes = bias + side * spread, (0, (4, 3))
            label = f"95 % within {1.96 * spread:.1f} of it" if side > 0 else None
            apart.axhline(limit, color=RED, linestyle=dashes, linewidth=1, label=label)
        legend_above(apart)
    save(plot, path)


def areas_plot(
    path: str | Path, true_N: NDArray[np.int64], found_M: NDArray[np.int64], *, title: str
) -> None:
    """Draw how large the objects are that were found and that are there, as a PNG.

    Bins are as wide on a logarithmic scale: an object that was cut in two, and two that were
    merged, lie as far to either side.

    Args:
        path: where to write; the file appears whole or not at all.
        true_N: area of each true object, in pixels.
        found_M: of each that was found.
        title: above the plot.
    """
    plot = figure(11, 4)
    axes = plot.add_subplot()
    style(axes, title, "area of an object in pixels", "objects")
    every = np.concatenate([true_N, found_M])
    low, high = (int(every.min()), int(every.max())) if len(every) else (1, 1)
    edges = np.geomspace(low, max(high, low + 1) * 1.001, _BINS + 1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(_plain)
    axes.xaxis.set_minor_formatter(_plain if high < _DECADES * low else NullFormatter())
    for name, areas, colour in (("true", true_N, FAINT), ("found", found_M, BLUE)):
        label = f"{len(areas)} {name}"
        if len(areas):
            middle = float(np.median(areas))
            label += f", median {middle:.0f} pixels"
            axes.axvline(middle, color=colour, linestyle=(0, (4, 3)), linewidth=1)
        heights, _ = np.histogram(areas, edges)
        true = name == "true"
        axes.stairs(
            heights, edges, fill=true, color=colour, alpha=0.35 if true else 1, label=label, lw=1.8
        )
    legend_above(axes)
    save(plot, path)


@FuncFormatter
def _plain(value: float, place: int | None) -> str:
    """Of a number of pixels: 200, not 2 · 10²."""
    del place
    return f"{value:g}"
