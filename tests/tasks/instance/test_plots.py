"""The plots of objects: they open, and show what they are given."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from segkit.tasks.instance import plots
from segkit.tasks.instance.plots import areas_plot, counts_plot
from tests.tasks.semantic.test_plots import has, opened


def blue(path: Path) -> int:
    """Pixels of the colour of what was found."""
    away = np.abs(opened(path).astype(int) - (0, 114, 178)).max(axis=2)
    return int((away < 90).sum())


def test_areas_of_what_is_there_and_of_what_was_found(tmp_path: Path) -> None:
    true = np.random.default_rng(0).integers(80, 400, 200)
    areas_plot(tmp_path / "both.png", true, true[:150], title="7 images")
    areas_plot(tmp_path / "none.png", true, true[:0], title="7 images")
    assert has(opened(tmp_path / "both.png"), "0072b2")
    assert blue(tmp_path / "both.png") > 5 * blue(tmp_path / "none.png")


@pytest.mark.sampled
@pytest.mark.parametrize("areas", [[], [7], [12, 12, 12], [1, 10**8]])
def test_few_areas_or_equal_ones_are_drawn(tmp_path: Path, areas: list[int]) -> None:
    found = np.array(areas, np.int64)
    for name, pair in (("a", (found, found)), ("b", (found, found[:0])), ("c", (found[:0], found))):
        areas_plot(tmp_path / f"{name}.png", *pair, title="1 image")
        assert opened(tmp_path / f"{name}.png").ndim == 3


def test_numbers_are_drawn_one_over_the_other_and_as_differences(tmp_path: Path) -> None:
    true = np.array([3, 8, 20, 0])
    counts_plot(tmp_path / "counts.png", true, true + np.array([0, -2, 4, 1]), title="4 images")
    picture = opened(tmp_path / "counts.png")
    assert picture.shape[1] > 2 * picture.shape[0]
    halves = np.split(picture[:, : picture.shape[1] // 2 * 2], 2, axis=1)
    assert [has(half, "d55e00") for half in halves] == [False, True]  # the bias, on the right
    for n, values in enumerate((true[:0], true[:1])):
        counts_plot(tmp_path / f"{n}.png", values, values, title="none, or one")


def test_no_legend_hides_a_dot_a_bar_or_a_title(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "save", lambda figure, _: drawn.append(figure))
    many = np.arange(400)
    counts_plot(tmp_path / "a.png", many, many[::-1] * 9, title="664 images (train, val, test)")
    areas_plot(tmp_path / "b.png", many + 1, many + 10**6, title="664 images (train, val, test)")
    for figure in drawn:
        figure.canvas.draw()
        for axes in figure.axes:
            legend = axes.get_legend()
            assert legend is not None
            box = legend.get_window_extent()
            titled = axes._left_title.get_window_extent()  # type: ignore[attr-defined]
            assert box.y0 >= axes.bbox.y1 - 1
            assert titled.width < 2 or not box.overlaps(titled)
            assert figure.bbox.x0 <= box.x0
            assert box.x1 <= figure.bbox.x1
            assert box.y1 <= figure.bbox.y1
