"""Masks as pictures, and the panels that are made of them."""

import numpy as np
from numpy.typing import NDArray

from segkit.drawing.overlay import AGREEMENT_COLOURS, CLASS_COLOURS, encode_png
from segkit.drawing.panel import PanelRow, panel
from segkit.tasks.semantic.painter import SemanticPainter

TRUE_POSITIVE, MISSED, FALSE_POSITIVE = (tuple(map(int, rgb)) for rgb in AGREEMENT_COLOURS[1:])
BINARY = SemanticPainter(["background", "cell"])
SEVERAL = SemanticPainter(["background", "cell", "nucleus"])


def row(side: int = 64) -> PanelRow:
    rng = np.random.default_rng(3)
    image = rng.integers(60, 90, (side, side, 3), np.uint8)
    truth, prediction = np.zeros((2, side, side), np.uint8)
    truth[side // 4 : side // 2, side // 4 : side // 2] = 1
    prediction[side // 4 : side // 2, 3 * side // 8 : 5 * side // 8] = 1
    return PanelRow("r1", image, truth, prediction, "Dice 0.500")


def has(picture: NDArray[np.uint8], colour: tuple[int, ...]) -> bool:
    return bool((picture == colour).all(axis=2).any())


def test_panel_shows_image_truth_prediction_and_agreement_side_by_side() -> None:
    height = 128
    picture = panel([row()], BINARY, height=height)
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
    binary, more = panel([row()], BINARY), panel([row()], SEVERAL)
    cell, nucleus = (tuple(map(int, rgb)) for rgb in CLASS_COLOURS[1:3])
    legend = slice(-16 - 24, None)
    assert has(more, cell)
    assert has(more[legend], nucleus)
    assert not has(more, FALSE_POSITIVE)
    assert has(binary[legend], FALSE_POSITIVE)
    assert not has(binary, cell)


def test_panel_without_truth_shows_the_prediction() -> None:
    known = row()
    unknown = PanelRow("u", known.image, None, known.prediction)
    picture = panel([unknown], BINARY, height=128)
    overlay = picture[16 + 24 + 24 : 16 + 24 + 24 + 128, 16 + 2 * (128 + 6) :]
    assert has(overlay, tuple(map(int, CLASS_COLOURS[1])))
    assert not has(picture, TRUE_POSITIVE)
    # Three columns: there is no truth to show.
    assert picture.shape[1] == 2 * 16 + 3 * 128 + 2 * 6


def test_what_the_colours_of_an_overlay_mean() -> None:
    names = ["true positive", "missed", "false positive"]
    assert [name for _, name in BINARY.legend(judged=True)] == names
    for painter, judged in ((BINARY, False), (SEVERAL, True), (SEVERAL, False)):
        legend = painter.legend(judged=judged)
        assert [name for _, name in legend] == list(painter.classes[1:])
        assert [tuple(colour) for colour, _ in legend] == [
            tuple(map(int, CLASS_COLOURS[1 + index])) for index in range(len(legend))
        ]


def test_colours_of_many_classes_come_again_but_never_the_backgrounds() -> None:
    legend = SemanticPainter([f"c{n}" for n in range(10)]).legend(judged=True)
    assert len(legend) == 9
    assert legend[7][0] == legend[0][0]
    assert (0, 0, 0) not in [tuple(colour) for colour, _ in legend]


def test_six_rows_stay_below_600_kilobytes_and_are_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256]
    mask = (np.sin(x / 9) * np.sin(y / 11) > 0.4).astype(np.uint8)
    rows = []
    for number in range(6):
        # Camera noise, which is what hardly compresses.
        noisy = 60 + 120 * mask[..., None] + rng.normal(0, 8, (256, 256, 1))
        image = np.clip(noisy, 0, 255).astype(np.uint8)
        rows.append(PanelRow(str(number), image, mask, np.roll(mask, 2, axis=0), "Dice 0.900"))
    data = encode_png(panel(rows, BINARY))
    assert len(data) < 600_000, len(data)
    assert data == encode_png(panel(rows, BINARY))
