"""Plots of an evaluation of objects: how exact they are, and whether their number is right."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segkit.drawing.plots import BLUE, FAINT, INK, RED, figure, save, style
from segkit.tasks.instance.matching import PERCENTS
from segkit.tasks.instance.metrics import CURVE

Values = NDArray[np.float64]


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
    """Draw the numbers of objects found and there, as a PNG: Bland and Altman (1986).

    The difference over the mean of both shows what a scatter of one over the other hides: a bias,
    and whether it grows with the number.

    Args:
        path: where to write; the file appears whole or not at all.
        true_N: of each image.
        found_N: of each image.
        title: above the plot.
    """
    plot = figure(6, 4)
    axes = plot.add_subplot()
    style(axes, title, "mean of found and true objects of an image", "found - true")
    difference = (found_N - true_N).astype(np.float64)
    axes.scatter((found_N + true_N) / 2, difference, color=BLUE, s=14, alpha=0.6, linewidths=0)
    axes.axhline(0, color=FAINT, linewidth=1)
    if len(difference):
        bias, spread = float(difference.mean()), float(difference.std())
        axes.axhline(bias, color=RED, linewidth=1.4, label=f"mean {bias:+.2f}")
        for side in (-1.96, 1.96):
            limit, dashes = bias + side * spread, (0, (4, 3))
            label = f"95 % of images within {1.96 * spread:.1f}" if side > 0 else None
            axes.axhline(limit, color=RED, linestyle=dashes, linewidth=1, label=label)
        axes.legend(frameon=False, labelcolor=INK, loc="upper left")
    save(plot, path)
