"""The distributions of a data set as one picture."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from segkit.audit.audit import Audit
from segkit.audit.measure import Facts
from segkit.core.contracts import SPLITS, UNLABELLED
from segkit.drawing.plots import BLUE, GREEN, INK, ORANGE, PURPLE, RED, SKY, figure, png, style

_GREY = "#b0b0b0"
_SPLIT_COLOURS = {
    "train": BLUE,
    "val": ORANGE,
    "test": GREEN,
    UNLABELLED: _GREY,
    "": SKY,
}
_STRATA = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, _GREY)
_BINS = 30


def charts(audit: Audit) -> bytes:
    """Images per split and five histograms over images, as a PNG of 1320×720 pixels."""
    plot = figure(11, 6, pad=0.1)
    axes = [plot.add_subplot(2, 3, number) for number in range(1, 7)]
    _bars(axes[0], audit)
    _histogram(axes[1], audit, "size: √(width × height), pixels", _size)
    _histogram(axes[2], audit, "mean grey, as scaled to 0…255", _grey)
    _histogram(axes[3], audit, "foreground share", _foreground)
    _histogram(axes[4], audit, "objects in an image", _objects)
    _histogram(axes[5], audit, "time to read, ms", lambda fact: fact.read_ms)
    return png(plot)


def _size(fact: Facts) -> float:
    return float(np.sqrt(fact.width * fact.height))


def _grey(fact: Facts) -> float:
    return float(fact.signature.thumbnail.mean())


def _foreground(fact: Facts) -> float | None:
    return 1 - fact.shares[0] if fact.shares else None


def _objects(fact: Facts) -> float | None:
    return fact.objects


def _splits(audit: Audit) -> list[str]:
    there = {audit.splits[record.id] for record in audit.records}
    return [split for split in (*SPLITS, UNLABELLED, "") if split in there]


def _bars(axes: Axes, audit: Audit) -> None:
    _style(axes, "images per split")
    splits = _splits(audit)
    strata = sorted({record.stratum for record in audit.records})
    bottom = np.zeros(len(splits))
    for number, stratum in enumerate(strata):
        heights = np.array(
            [
                sum(r.stratum == stratum and audit.splits[r.id] == split for r in audit.records)
                for split in splits
            ]
        )
        colour = _STRATA[min(number, len(_STRATA) - 1)]
        axes.bar(
            [split or "no split" for split in splits],
            heights,
            bottom=bottom,
            color=colour,
            label=stratum or "none",
            width=0.6,
        )
        bottom += heights
    for position, total in enumerate(bottom):
        axes.annotate(f"{total:.0f}", (position, total), ha="center", va="bottom", color=INK)
    axes.margins(y=0.12)
    if 1 < len(strata) <= len(_STRATA):
        axes.legend(frameon=False, labelcolor=INK, fontsize=8, loc="upper right")


def _histogram(
    axes: Axes, audit: Audit, title: str, value: Callable[[Facts], float | None]
) -> None:
    _style(axes, title)
    parts: dict[str, list[float]] = {split: [] for split in _splits(audit)}
    for fact in audit.facts:
        number = value(fact)
        if number is not None:
            parts[audit.splits[fact.record.id]].append(number)
    parts = {split: values for split, values in parts.items() if values}
    if not parts:
        return
    axes.hist(
        list(parts.values()),
        bins=_edges([v for values in parts.values() for v in values]),
        stacked=True,
        color=[_SPLIT_COLOURS[split] for split in parts],
        label=[split or "no split" for split in parts],
    )
    if len(parts) > 1:
        axes.legend(frameon=False, labelcolor=INK, fontsize=8, loc="upper right")


def _edges(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    if high == low:
        room = max(0.5, 0.1 * abs(low))
        low, high = low - room, high + room
    return [float(edge) for edge in np.linspace(low, high, _BINS + 1)]


def _style(axes: Axes, title: str) -> None:
    style(axes, "")
    # Six on one picture: smaller, and lines for the heights alone.
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.grid(visible=False, axis="x")
    axes.tick_params(which="both", labelsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
