"""Plots look alike, and the same numbers give the same file."""

from pathlib import Path

from matplotlib.colors import to_hex

from segkit.drawing.plots import GRID, INK, figure, png, save, style
from segkit.imaging.pixels import decode


def test_a_figure_is_written_the_same_to_a_file_and_as_bytes(tmp_path: Path) -> None:
    plot = figure(2, 1)
    style(plot.add_subplot(), "title", "across", "up")
    save(plot, tmp_path / "plot.png")
    data = (tmp_path / "plot.png").read_bytes()
    assert data == png(plot)
    assert decode(data, "plot.png").shape[:2] == (120, 240)
    assert b"matplotlib" not in data.lower()


def test_axes_are_named_and_have_no_box() -> None:
    axes = figure(2, 1).add_subplot()
    style(axes, "title", "across", "up")
    assert axes.get_title(loc="left") == "title"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("across", "up")
    assert to_hex(axes.xaxis.label.get_color()) == INK
    assert to_hex(axes.get_xgridlines()[0].get_color()) == GRID
    assert [side for side, spine in axes.spines.items() if spine.get_visible()] == ["bottom"]
