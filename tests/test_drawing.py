import io
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.drawing import (
    AGREEMENT_COLOURS,
    CLASS_COLOURS,
    PanelRow,
    agreement,
    encode_png,
    overlay,
    panel,
    save_png,
)

TRUE_POSITIVE, MISSED, FALSE_POSITIVE = (tuple(map(int, rgb)) for rgb in AGREEMENT_COLOURS[1:])


def square(value: int = 1, size: int = 32) -> NDArray[np.uint8]:
    """A square from 8 to 23 of one class on background."""
    mask = np.zeros((size, size), np.uint8)
    mask[8:24, 8:24] = value
    return mask


def row(name: str = "r1", *, side: int = 64, score: float | None = 0.5) -> PanelRow:
    rng = np.random.default_rng(3)
    image = rng.integers(60, 90, (side, side, 3), np.uint8)
    truth, prediction = np.zeros((2, side, side), np.uint8)
    truth[side // 4 : side // 2, side // 4 : side // 2] = 1
    prediction[side // 4 : side // 2, 3 * side // 8 : 5 * side // 8] = 1
    return PanelRow(name, image, truth, prediction, score)


def has(picture: NDArray[np.uint8], colour: tuple[int, ...]) -> bool:
    return bool((picture == colour).all(axis=2).any())


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 1), (32, 32, 3), (32, 32, 4)])
@pytest.mark.parametrize("label", [1, 2, 7])
def test_overlay_mixes_inside_outlines_and_leaves_the_background(
    shape: tuple[int, ...], label: int
) -> None:
    image = np.full(shape, 100, np.uint8)
    drawn = overlay(image, square(label), alpha=0.35)
    assert drawn.shape == (32, 32, 3)
    assert drawn.dtype == np.uint8
    mixed = np.rint(0.65 * 100 + 0.35 * CLASS_COLOURS[label])
    np.testing.assert_array_equal(drawn[16, 16], mixed)
    # The rim is the outermost pixel of the region, and nothing outside it.
    rim = np.zeros((32, 32), bool)
    rim[8:24, 8:24] = True
    rim[9:23, 9:23] = False
    np.testing.assert_array_equal((drawn == CLASS_COLOURS[label]).all(axis=2), rim)
    np.testing.assert_array_equal(drawn[square() == 0], np.full((32 * 32 - 256, 3), 100))
    np.testing.assert_array_equal(image, np.full(shape, 100))


def test_overlay_draws_a_line_between_touching_classes_and_none_along_the_image_edge() -> None:
    mask = np.ones((20, 20), np.uint8)
    mask[:, 10:] = 2
    drawn = overlay(np.zeros((20, 20), np.uint8), mask)
    for column, label, line in ((0, 1, False), (9, 1, True), (10, 2, True), (19, 2, False)):
        assert (drawn[:, column] == CLASS_COLOURS[label]).all() == line


def test_overlay_repeats_its_colours_and_never_paints_a_class_as_background() -> None:
    image = np.zeros((32, 32), np.uint8)
    number = len(CLASS_COLOURS)
    np.testing.assert_array_equal(overlay(image, square(number)), overlay(image, square(1)))
    assert overlay(image, square(255)).any()


def test_overlay_refuses_another_size() -> None:
    with pytest.raises(ValueError, match=r"\(32, 32\).*\(30, 32\)"):
        overlay(np.zeros((30, 32), np.uint8), square())


def test_colours_differ_enough() -> None:
    for colours in (CLASS_COLOURS[1:], AGREEMENT_COLOURS[1:]):
        steps = colours[:, None].astype(int) - colours[None].astype(int)
        distance = np.sqrt((steps**2).sum(axis=2))
        assert distance[~np.eye(len(colours), dtype=bool)].min() > 60


def test_agreement_names_hits_misses_and_false_alarms() -> None:
    truth, prediction = np.zeros((2, 40, 60), np.uint8)
    truth[10:30, 10:40] = 1
    prediction[10:30, 25:55] = 1
    image = np.full((40, 60, 3), (10, 200, 90), np.uint8)
    drawn = agreement(image, truth, prediction).astype(int)
    grey = round(0.299 * 10 + 0.587 * 200 + 0.114 * 90)
    assert drawn[0, 0].tolist() == [grey] * 3
    for column, colour, alpha in (
        (17, MISSED, 0.9),
        (32, TRUE_POSITIVE, 0.4),
        (47, FALSE_POSITIVE, 0.9),
    ):
        expected = (1 - alpha) * grey + alpha * np.array(colour)
        assert np.abs(drawn[20, column] - expected).max() <= 1
        # Fully coloured along the rim of the union.
        assert tuple(drawn[10, column]) == colour


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
    assert has(picture, tuple(map(int, CLASS_COLOURS[1])))
    assert not has(picture, TRUE_POSITIVE)
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


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_png_round_trip_and_nothing_left_beside_it(shape: tuple[int, ...], tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    save_png(tmp_path / "new" / "a.png", image)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")), image)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", square())
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(TypeError):
        save_png(tmp_path / "a.png", np.zeros((4, 4, 9), np.uint8))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
