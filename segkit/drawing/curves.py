"""The course of a training run as one picture: loss, scores and learning rate over epochs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from segkit.drawing.plots import BLUE, FAINT, GREEN, INK, PURPLE, RED, figure, save, style

Rows = Sequence[Mapping[str, float]]
Numbers = NDArray[np.float64]

_LOSSES = {"train/loss": RED, "val/loss": BLUE}
_SCORES = (GREEN, PURPLE)
_OTHER = BLUE


def curves(
    path: str | Path,
    rows: Rows,
    *,
    scores: Sequence[str],
    monitor: str,
    mode: Literal["min", "max"],
) -> None:
    """Draw ``metrics.csv`` as a PNG of 1320×720 pixels; a constant rate is no curve.

    Args:
        path: where to write; the file appears whole or not at all.
        rows: one an epoch: ``epoch``, ``train/loss``, ``val/loss``, ``lr`` and the scores; a
            missing, NaN or infinite value leaves a gap, other columns are not drawn.
        scores: columns that are drawn as such, two at most.
        monitor: the column whose best epoch is marked, and drawn among the scores where it is
            none of the above; nothing is marked where it has no value.
        mode: whether less or more of it is better.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    save(_figure(rows, scores, monitor, mode), path)


def _figure(rows: Rows, names: Sequence[str], monitor: str, mode: Literal["min", "max"]) -> Figure:
    plot = figure(11, 6)
    varies = rate_in_words(rows) is None
    grid = plot.add_gridspec(1 + varies, 2, height_ratios=(4, 1)[: 1 + varies])
    loss, score = plot.add_subplot(grid[0, 0]), plot.add_subplot(grid[0, 1])
    rate = plot.add_subplot(grid[1, :]) if varies else None
    scores = dict(zip(names, _SCORES, strict=False))
    scores |= {} if monitor in (_LOSSES | scores) else {monitor: _OTHER}
    best = _best(_column(rows, monitor), mode)
    for axes, title, columns in (
        (loss, "loss", _LOSSES),
        (score, "score", scores),
        (rate, "learning rate", {"lr": FAINT}),
    ):
        if axes is None:
            continue
        _style(axes, title)
        for name, colour in columns.items():
            _line(axes, rows, name, colour)
        if best is not None:
            axes.axvline(rows[best]["epoch"], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
            if monitor in columns:
                _dot(axes, rows[best], monitor, columns[monitor])
        if axes is not rate and axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False, labelcolor=INK)
    if rate is None:
        plot.supxlabel(f"learning rate {rate_in_words(rows)}", color=FAINT, fontsize=10)
    _limits(loss, score, rate, rows)
    return plot


def rate_in_words(rows: Rows) -> str | None:
    """The learning rate where all epochs have the same, in words; None where it is a curve."""
    known = _column(rows, "lr")
    known = known[np.isfinite(known)]
    if len(set(known.tolist())) > 1:
        return None
    if not len(known):
        return "unknown"
    return f"{known[0]:.3g} " + ("throughout" if len(known) > 1 else "at the end of the epoch")


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
    style(axes, title, "epoch")
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


def _limits(loss: Axes, score: Axes, rate: Axes | None, rows: Rows) -> None:
    """Same epochs everywhere; a logarithmic scale where values span decades."""
    epochs = _column(rows, "epoch")
    if np.isfinite(epochs).any():
        first, last = float(np.nanmin(epochs)), float(np.nanmax(epochs))
        room = max(0.5, 0.02 * (last - first))
        for axes in filter(None, (loss, score, rate)):
            axes.set_xlim(first - room, last + room)
    losses = np.concatenate([_column(rows, name) for name in _LOSSES])
    if _spans(losses, 20):
        loss.set_yscale("log")
    if rate is not None and _spans(_column(rows, "lr"), 3):
        rate.set_yscale("log")


def _spans(values: Numbers, ratio: float) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() > 0 and known.max() > ratio * known.min())
