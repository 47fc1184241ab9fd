import math

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.drawing.overlay import AGREEMENT_COLOURS, CLASS_COLOURS, encode_png
from segkit.drawing.panel import PanelRow, panel

TRUE_POSITIVE, MISSED, FALSE_POSITIVE = (tuple(map(int, rgb)) for rgb in AGREEMENT_COLOURS[1:])


def row(name: str = "r1", *, side: int = 64, score: float | None = 0.5) -> PanelRow:
    rng = np.random.default_rng(3)
    image = rng.integers(60, 90, (side, side, 3), np.uint8)
    truth, prediction = np.zeros((2, side, side), np.uint8)
    truth[side // 4 : side // 2, side // 4 : side // 2] = 1
    prediction[side // 4 : side // 2, 3 * side // 8 : 5 * side // 8] = 1
    return PanelRow(name, image, truth, prediction, score)


def has(picture: NDArray[np.uint8], colour: tuple[int, ...]) -> bool:
    return bool((picture == colour).all(axis=2).any())


def test_panel_has_the_expected_size_and_a_white_margin() -> None:
    picture = panel([row("a"), row("b"), row("c")], height=128)
    assert picture.shape == (2 * 16 + 2 * 24 + 3 * (24 + 128 + 12), 2 * 16 + 4 * 128 + 3 * 6, 3)
    assert picture.dtype == np.uint8
    for edge in (picture[:8], picture[-8:], picture[:, :8], picture[:, -8:]):
        assert (edge == 255).all()


def test_panel_shows_image_truth_prediction_and_agreement_side_by_side() -> None:
    height = 128
    picture = panel([row()], height=height)
    top = 16 + 24 + 24
    cells = [
        picture[top : top + height, left : left + height]
        for left in (16 + column * (height + 6) for column in range(4))
    ]
    assert 60 <= cells[0].min() <= cells[0].max() < 90
    # Truth from 32 to 63, prediction from 48 to 79 of 128 columns, both from row 32 to 63.
    assert (cells[1][32:64, 32:64] == 255).all()
    assert (cells[1] == 255).all(axis=2).sum() == 32 * 32
    assert (cells[2][32:64, 48:80] == 255).all()
    assert (cells[2] == 255).all(axis=2).sum() == 32 * 32
    assert tuple(cells[3][32, 40]) == MISSED
    assert tuple(cells[3][32, 56]) == TRUE_POSITIVE
    assert tuple(cells[3][32, 72]) == FALSE_POSITIVE


def test_panel_of_more_classes_uses_their_colours_and_a_legend() -> None:
    # Only class 1 is to be seen, but the task has three.
    binary, more = panel([row()]), panel([row()], classes=("background", "cell", "nucleus"))
    cell, nucleus = (tuple(map(int, rgb)) for rgb in CLASS_COLOURS[1:3])
    legend = slice(-16 - 24, None)
    assert has(more, cell)
    assert has(more[legend], nucleus)
    assert not has(more, FALSE_POSITIVE)
    assert has(binary[legend], FALSE_POSITIVE)
    assert not has(binary, cell)


def test_panel_without_truth_shows_the_prediction() -> None:
    known = row()
    unknown = PanelRow("u", known.image, None, known.prediction, None)
    picture = panel([unknown], height=128)
    overlay = picture[16 + 24 + 24 : 16 + 24 + 24 + 128, 16 + 2 * (128 + 6) :]
    assert has(overlay, tuple(map(int, CLASS_COLOURS[1])))
    assert not has(picture, TRUE_POSITIVE)
    # Three columns: there is no truth to show.
    assert picture.shape[1] == 2 * 16 + 3 * 128 + 2 * 6


def test_a_row_without_truth_among_others_says_so() -> None:
    known = row()
    unknown = PanelRow("u", known.image, None, known.prediction, None)
    picture = panel([unknown, known], height=128)
    # Neither black nor white where the truth would be.
    assert (picture[70, 16 + 128 + 6 + 4] == 240).all()


def test_panel_writes_id_and_score() -> None:
    caption = slice(16 + 24, 16 + 48)
    drawn = [
        panel([row(name, score=score)])[caption].tobytes()
        for name, score in (
            ("a", 0.5),
            ("b", 0.5),
            ("a", 0.501),
            ("a", None),
            ("a", math.nan),
            ("a" * 64, 0.5),
        )
    ]
    assert len(set(drawn)) == len(drawn)
    # Shortened in the middle: the same beginning and end look the same.
    long = [panel([row("a" * 30 + middle + "b" * 30)]).tobytes() for middle in ("x", "yy")]
    assert long[0] == long[1]


@pytest.mark.parametrize("shape", [(40, 160), (160, 40), (300, 200), (8, 500)])
def test_panel_takes_any_aspect_beside_a_square(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    odd = PanelRow(
        "odd",
        rng.integers(0, 256, (*shape, 1), np.uint8),
        np.ones(shape, np.uint8),
        np.ones(shape, np.uint8),
        1.0,
    )
    picture = panel([odd, row()], height=100)
    assert 2 * 16 + 4 * 100 + 18 <= picture.shape[1] <= 2 * 16 + 4 * 200 + 18


def test_panel_without_rows_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        panel([])


def test_six_rows_stay_below_600_kilobytes_and_are_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256]
    mask = (np.sin(x / 9) * np.sin(y / 11) > 0.4).astype(np.uint8)
    rows = []
    for number in range(6):
        # Camera noise, which is what hardly compresses.
        noisy = 60 + 120 * mask[..., None] + rng.normal(0, 8, (256, 256, 1))
        image = np.clip(noisy, 0, 255).astype(np.uint8)
        rows.append(PanelRow(str(number), image, mask, np.roll(mask, 2, axis=0), 0.9))
    data = encode_png(panel(rows))
    assert len(data) < 600_000, len(data)
    assert data == encode_png(panel(rows))
