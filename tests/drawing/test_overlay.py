import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.drawing.overlay import (
    AGREEMENT_COLOURS,
    CLASS_COLOURS,
    agreement,
    encode_png,
    overlay,
    save_png,
)

TRUE_POSITIVE, MISSED, FALSE_POSITIVE = (tuple(map(int, rgb)) for rgb in AGREEMENT_COLOURS[1:])


def square(value: int = 1, size: int = 32) -> NDArray[np.uint8]:
    """A square from 8 to 23 of one class on background."""
    mask = np.zeros((size, size), np.uint8)
    mask[8:24, 8:24] = value
    return mask


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
