"""Plots of an evaluation: how the images' scores spread, and whether probabilities hold."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segkit.drawing.plots import (
    BLUE,
    FAINT,
    INK,
    RED,
    SERIES,
    figure,
    save,
    style,
)
from segkit.tasks.semantic.calibration import Calibration

Values = NDArray[np.float64]


def histogram(path: str | Path, scores: Mapping[str, Values], *, title: str) -> None:
    """Draw how many images have which Dice, in twenty bins, as a PNG.

    Args:
        path: where to write; the file appears whole or not at all.
        scores: (N,) Dice of each image by class; NaN is left out, and counted in the legend.
        title: above the plot.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    plot = figure(7, 4)
    axes = plot.add_subplot()
    style(axes, title, "Dice of an image", "images")
    for number, (name, values) in enumerate(scores.items()):
        colour = SERIES[number % len(SERIES)]
        known = values[~np.isnan(values)]
        undefined = len(values) - len(known)
        label = name + (f" ({undefined} undefined)" if undefined else "")
        axes.hist(known, bins=20, range=(0, 1), histtype="stepfilled", color=colour, alpha=0.35)
        axes.hist(known, bins=20, range=(0, 1), histtype="step", color=colour, label=label)
        if len(known):
            middle = float(np.median(known))
            label = f"median {middle:.3f}"
            axes.axvline(middle, color=colour, linestyle=(0, (4, 3)), linewidth=1, label=label)
    axes.set_xlim(0, 1)
    axes.legend(frameon=False, labelcolor=INK, loc="upper left")
    save(plot, path)


def reliability(path: str | Path, calibration: Calibration, *, binary: bool) -> None:
    """Draw a reliability diagram (Guo et al. 2017), with the share of pixels in each bin, as a PNG.

    Args:
        path: where to write; the file appears whole or not at all.
        calibration: the bins.
        binary: whether they are of the foreground's probability or of the likeliest class's.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    plot = figure(5.5, 6)
    grid = plot.add_gridspec(2, 1, height_ratios=(3, 1))
    above, below = plot.add_subplot(grid[0]), plot.add_subplot(grid[1])
    what = "foreground" if binary else "right"
    style(above, f"expected calibration error {calibration.ece:.4f}", "", f"share that is {what}")
    above.plot([0, 1], [0, 1], color=FAINT, linestyle=(0, (4, 3)), linewidth=1)
    known = calibration.pixels > 0
    confidence, accuracy = calibration.confidence[known], calibration.accuracy[known]
    above.plot(confidence, accuracy, color=BLUE, marker="o", linewidth=1.8)
    above.vlines(confidence, confidence, accuracy, color=RED, linewidth=1)
    above.set_ylim(-0.02, 1.02)
    of = "of the foreground" if binary else "of the likeliest class"
    style(below, "", f"probability {of}", "share of pixels")
    count = len(calibration.pixels)
    middles = (np.arange(count) + 0.5) / count
    share = calibration.pixels / max(1, int(calibration.pixels.sum()))
    below.bar(middles, share, width=0.9 / count, color=FAINT)
    if known.any():
        below.set_yscale("log")
    for axes in (above, below):
        axes.set_xlim(-0.02, 1.02)
    save(plot, path)
