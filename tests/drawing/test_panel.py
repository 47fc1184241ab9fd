"""How a panel lays out its rows, whatever its pictures show."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.drawing.panel import PanelRow, Pictures, panel

GREY, RED, BLUE, GREEN = (80, 80, 80), (200, 0, 0), (0, 0, 200), (0, 200, 0)


class Plain:
    """One colour for each of image, truth, prediction and overlay."""

    def legend(self, *, judged: bool) -> list[tuple[Sequence[int], str]]:
        return [(GREEN, "good")] if judged else [(BLUE, "found")]

    def pictures(self, row: PanelRow, size: tuple[int, int]) -> Pictures:
        image, truth, prediction, overlay = (
            np.full((*size, 3), colour, np.uint8) for colour in (GREY, RED, BLUE, GREEN)
        )
        return image, None if row.truth is None else truth, prediction, overlay


PLAIN = Plain()


def row(name: str = "r1", *, side: int = 64, caption: str = "Dice 0.500") -> PanelRow:
    rng = np.random.default_rng(3)
    image = rng.integers(60, 90, (side, side, 3), np.uint8)
    truth, prediction = np.zeros((2, side, side), np.uint8)
    truth[side // 4 : side // 2, side // 4 : side // 2] = 1
    prediction[side // 4 : side // 2, 3 * side // 8 : 5 * side // 8] = 1
    return PanelRow(name, image, truth, prediction, caption)


def cells(picture: NDArray[np.uint8], count: int, height: int) -> list[NDArray[np.uint8]]:
    """The pictures of the first row, all square."""
    top, lefts = 16 + 24 + 24, [16 + column * (height + 6) for column in range(count)]
    return [picture[top : top + height, left : left + height] for left in lefts]


def legend(picture: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    """Its colours."""
    return {tuple(map(int, rgb)) for rgb in picture[-16 - 24 :].reshape(-1, 3)}


def test_panel_has_the_expected_size_and_a_white_margin() -> None:
    picture = panel([row("a"), row("b"), row("c")], PLAIN, height=128)
    assert picture.shape == (2 * 16 + 2 * 24 + 3 * (24 + 128 + 12), 2 * 16 + 4 * 128 + 3 * 6, 3)
    assert picture.dtype == np.uint8
    for edge in (picture[:8], picture[-8:], picture[:, :8], picture[:, -8:]):
        assert (edge == 255).all()


def test_image_truth_prediction_and_overlay_are_side_by_side() -> None:
    found = panel([row()], PLAIN, height=128)
    for cell, colour in zip(cells(found, 4, 128), (GREY, RED, BLUE, GREEN), strict=True):
        assert (cell == colour).all()
    assert GREEN in legend(found)


def test_without_any_truth_its_column_is_left_out() -> None:
    known = row()
    found = panel([PanelRow("u", known.image, None, known.prediction)], PLAIN, height=128)
    assert found.shape[1] == 2 * 16 + 3 * 128 + 2 * 6
    for cell, colour in zip(cells(found, 3, 128), (GREY, BLUE, GREEN), strict=True):
        assert (cell == colour).all()
    assert BLUE in legend(found)
    assert GREEN not in legend(found)


def test_a_row_without_truth_among_others_says_so() -> None:
    known = row()
    unknown = PanelRow("u", known.image, None, known.prediction)
    picture = panel([unknown, known], PLAIN, height=128)
    # Neither black nor white where the truth would be.
    assert (picture[70, 16 + 128 + 6 + 4] == 240).all()


def test_panel_writes_id_and_caption() -> None:
    line = slice(16 + 24, 16 + 48)
    drawn = [
        panel([row(name, caption=caption)], PLAIN)[line].tobytes()
        for name, caption in (
            ("a", "0.500"),
            ("b", "0.500"),
            ("a", "0.501"),
            ("a", ""),
            ("a", "undefined"),
            ("a" * 64, "0.500"),
        )
    ]
    assert len(set(drawn)) == len(drawn)
    # Shortened in the middle: the same beginning and end look the same.
    long = [panel([row("a" * 30 + middle + "b" * 30)], PLAIN).tobytes() for middle in ("x", "yy")]
    assert long[0] == long[1]


@pytest.mark.parametrize("shape", [(40, 160), (160, 40), (300, 200), (8, 500)])
def test_panel_takes_any_aspect_beside_a_square(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    odd = PanelRow(
        "odd",
        rng.integers(0, 256, (*shape, 1), np.uint8),
        np.ones(shape, np.uint8),
        np.ones(shape, np.uint8),
        "Dice 1.000",
    )
    picture = panel([odd, row()], PLAIN, height=100)
    assert 2 * 16 + 4 * 100 + 18 <= picture.shape[1] <= 2 * 16 + 4 * 200 + 18


def test_panel_without_rows_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        panel([], PLAIN)


@pytest.mark.parametrize("channels", [2, 5])
def test_of_many_channels_the_legend_says_which_are_shown(channels: int) -> None:
    plain, one = panel([row()], PLAIN, height=128), row()
    image = np.repeat(one.image[..., :1], channels, axis=2)
    many = panel([PanelRow(one.id, image, one.truth, one.prediction)], PLAIN, height=128)
    assert many.shape[1] >= plain.shape[1]  # the words fit in
    drawn = [(each[-16 - 24 :] < 100).all(axis=2).sum() for each in (plain, many)]
    assert drawn[1] > drawn[0] + 100
