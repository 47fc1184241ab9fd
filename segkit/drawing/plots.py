"""What all plots have in common: colours, a figure without pyplot, axes, and the file."""

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from segkit.core.files import write_bytes

INK, FAINT, GRID = "#202020", "#787878", "#e4e4e4"
# Okabe and Ito's colours, safe for the colour-blind.
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#e69f00", "#009e73", "#cc79a7"
RED, SKY, YELLOW = "#d55e00", "#56b4e9", "#f0e442"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, YELLOW)  # of several things in one plot


def figure(wide: float, high: float, *, pad: float = 0.12) -> Figure:
    """An empty figure, in inches of 120 pixels."""
    # Never through pyplot, which would keep every figure alive and choose a backend.
    layout = ConstrainedLayoutEngine(w_pad=pad, h_pad=pad)
    made = Figure(figsize=(wide, high), dpi=120, layout=layout, facecolor="white")
    FigureCanvasAgg(made)
    return made


def style(axes: Axes, title: str, across: str = "", up: str = "") -> None:
    """A title and names of the axes; faint lines behind what is drawn, and no box."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def legend_above(axes: Axes) -> None:
    """A line of labels to the right above the axes, where it hides nothing that is drawn."""
    handles, _ = axes.get_legend_handles_labels()
    axes.legend(
        frameon=False,
        labelcolor=INK,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0,
        ncols=max(1, len(handles)),
    )


def save(made: Figure, path: str | Path) -> None:
    """Write a PNG, whole or not at all.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    write_bytes(path, png(made))


def png(made: Figure) -> bytes:
    """The bytes of a PNG file."""
    stream = io.BytesIO()
    # Without the program's name and version, the same numbers give the same file.
    made.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
