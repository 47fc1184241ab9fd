"""The course of a training run as one picture: loss, scores and learning rate over epochs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from segkit.files import atomic_path

Rows = Sequence[Mapping[str, float]]
Numbers = NDArray[np.float64]

_INK, _FAINT, _GRID = "#202020", "#787878", "#e4e4e4"
# Okabe and Ito's colours, safe for the colour-blind.
_LOSSES = {"train/loss": "#d55e00", "val/loss": "#0072b2"}
_SCORES = {"val/dice": "#009e73", "val/iou": "#cc79a7"}
_OTHER = "#0072b2"


def curves(path: str | Path, rows: Rows, *, monitor: str, mode: Literal["min", "max"]) -> None:
    """Draw ``metrics.csv`` as a PNG of 1320×720 pixels.

    Args:
        path: where to write; the file appears whole or not at all.
        rows: one an epoch: ``epoch``, ``train/loss``, ``val/loss``, ``val/dice``, ``val/iou``,
            ``lr``; a missing, NaN or infinite value leaves a gap, other columns are not drawn.
        monitor: the column whose best epoch is marked, and drawn among the scores where it is
            none of the above; nothing is marked where it has no value.
        mode: whether less or more of it is better.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    figure = _figure(rows, monitor, mode)
    with atomic_path(path) as temporary:
        # Without the program's name and version, the same numbers give the same file.
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _figure(rows: Rows, monitor: str, mode: Literal["min", "max"]) -> Figure:
    # Never through pyplot, which would keep every figure alive and choose a backend.
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(11, 6), dpi=120, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=(4, 1))
    loss, score = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    rate = figure.add_subplot(grid[1, :])
    scores = _SCORES if monitor in (_LOSSES | _SCORES) else {**_SCORES, monitor: _OTHER}
    best = _best(_column(rows, monitor), mode)
    for axes, title, columns in (
        (loss, "loss", _LOSSES),
        (score, "score", scores),
        (rate, "learning rate", {"lr": _FAINT}),
    ):
        _style(axes, title)
        for name, colour in columns.items():
            _line(axes, rows, name, colour)
        if best is not None:
            axes.axvline(rows[best]["epoch"], color=_FAINT, linewidth=1, linestyle=(0, (4, 3)))
            if monitor in columns:
                _dot(axes, rows[best], monitor, columns[monitor])
        if axes is not rate and axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False, labelcolor=_INK)
    _limits(loss, score, rate, rows)
    return figure


def _column(rows: Rows, name: str) -> Numbers:
    values = np.array([row.get(name, math.nan) for row in rows], np.float64)
    values[~np.isfinite(values)] = math.nan
    return values


def _best(values: Numbers, mode: Literal["min", "max"]) -> int | None:
    """Position of the first best value, or None where there is none."""
    if not np.isfinite(values).any():
        return None
    return int(np.nanargmin(values) if mode == "min" else np.nanargmax(values))


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.set_xlabel("epoch", color=_INK)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=_INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def _line(axes: Axes, rows: Rows, name: str, colour: str) -> None:
    values = _column(rows, name)
    known = np.isfinite(values)
    if not known.any():
        return
    # A value between two gaps has no line to be seen by.
    marker = "o" if known.sum() <= 40 or not known.all() else ""
    epochs = _column(rows, "epoch")
    axes.plot(epochs, values, color=colour, label=name, linewidth=1.8, marker=marker, markersize=3)


def _dot(axes: Axes, row: Mapping[str, float], name: str, colour: str) -> None:
    epoch, value = row["epoch"], row[name]
    axes.plot([epoch], [value], "o", color=colour, markersize=9, markeredgecolor="white", zorder=5)
    # Above the axes, where no line runs through it.
    label = f"\N{BLACK CIRCLE} best {name} {value:.4f} in epoch {epoch:.0f}"
    axes.set_title(label, loc="right", fontsize=11, color=colour)


def _limits(loss: Axes, score: Axes, rate: Axes, rows: Rows) -> None:
    """Same epochs everywhere; a logarithmic scale where values span decades."""
    epochs = _column(rows, "epoch")
    if np.isfinite(epochs).any():
        first, last = float(np.nanmin(epochs)), float(np.nanmax(epochs))
        room = max(0.5, 0.02 * (last - first))
        for axes in (loss, score, rate):
            axes.set_xlim(first - room, last + room)
    losses = np.concatenate([_column(rows, name) for name in _LOSSES])
    if _spans(losses, 20):
        loss.set_yscale("log")
    if _spans(_column(rows, "lr"), 3):
        rate.set_yscale("log")


def _spans(values: Numbers, ratio: float) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() > 0 and known.max() > ratio * known.min())
