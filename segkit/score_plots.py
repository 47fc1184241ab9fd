"""Plots of an evaluation: how the images' scores spread, and whether probabilities hold."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from segkit.calibration import Calibration
from segkit.files import atomic_path

Values = NDArray[np.float64]

_INK, _FAINT, _GRID = "#202020", "#787878", "#e4e4e4"
# Okabe and Ito's colours, safe for the colour-blind.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442")


def histogram(path: str | Path, scores: Mapping[str, Values], *, title: str) -> None:
    """Draw how many images have which Dice, in twenty bins, as a PNG.

    Args:
        path: where to write; the file appears whole or not at all.
        scores: (N,) Dice of each image by class; NaN is left out, and counted in the legend.
        title: above the plot.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    figure = _figure(7, 4)
    axes = figure.add_subplot()
    _style(axes, title, "Dice of an image", "images")
    for number, (name, values) in enumerate(scores.items()):
        colour = _COLOURS[number % len(_COLOURS)]
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
    axes.legend(frameon=False, labelcolor=_INK, loc="upper left")
    _save(figure, path)


def reliability(path: str | Path, calibration: Calibration, *, binary: bool) -> None:
    """Draw a reliability diagram (Guo et al. 2017), with the share of pixels in each bin, as a PNG.

    Args:
        path: where to write; the file appears whole or not at all.
        calibration: the bins.
        binary: whether they are of the foreground's probability or of the likeliest class's.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    figure = _figure(5.5, 6)
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1))
    above, below = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    what = "foreground" if binary else "right"
    _style(above, f"expected calibration error {calibration.ece:.4f}", "", f"share that is {what}")
    above.plot([0, 1], [0, 1], color=_FAINT, linestyle=(0, (4, 3)), linewidth=1)
    known = calibration.pixels > 0
    confidence, accuracy = calibration.confidence[known], calibration.accuracy[known]
    above.plot(confidence, accuracy, color=_COLOURS[0], marker="o", linewidth=1.8)
    above.vlines(confidence, confidence, accuracy, color=_COLOURS[4], linewidth=1)
    above.set_ylim(-0.02, 1.02)
    of = "of the foreground" if binary else "of the likeliest class"
    _style(below, "", f"probability {of}", "share of pixels")
    count = len(calibration.pixels)
    middles = (np.arange(count) + 0.5) / count
    share = calibration.pixels / max(1, int(calibration.pixels.sum()))
    below.bar(middles, share, width=0.9 / count, color=_FAINT)
    if known.any():
        below.set_yscale("log")
    for axes in (above, below):
        axes.set_xlim(-0.02, 1.02)
    _save(figure, path)


def _figure(wide: float, high: float) -> Figure:
    # Never through pyplot, which would keep every figure alive and choose a backend.
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(wide, high), dpi=120, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _style(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.set_xlabel(across, color=_INK)
    axes.set_ylabel(up, color=_INK)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=_INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)


def _save(figure: Figure, path: str | Path) -> None:
    with atomic_path(path) as temporary:
        # Without the program's name and version, the same numbers give the same file.
        figure.savefig(temporary, format="png", metadata={"Software": None})
