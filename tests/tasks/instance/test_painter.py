"""Objects as pictures: outlines at the right pixels, in the colours that the legend tells."""

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.drawing.contours import outlines
from segkit.drawing.panel import PanelRow, panel
from segkit.tasks.instance.painter import InstancePainter
from tests.tasks.instance.shapes import discs

PAINTER = InstancePainter()
LEGEND = {name: tuple(colour) for colour, name in PAINTER.legend(judged=True)}
GREY = 120


def a_row(truth: NDArray[np.int32] | None, found: NDArray[np.int32]) -> PanelRow:
    return PanelRow("r1", np.full((*found.shape, 3), GREY, np.uint8), truth, found)  # type: ignore[arg-type]


def of_colour(picture: NDArray[np.uint8], name: str) -> NDArray[np.bool_]:
    return np.asarray((picture == LEGEND[name]).all(axis=2))


TRUTH = discs((10, 12, 6), (10, 40, 6), (10, 52, 6), (36, 12, 8), (36, 50, 5))


def predicted() -> NDArray[np.int32]:
    """Found, two merged, one split, one missed and one invented."""
    found = np.zeros_like(TRUTH)
    found[TRUTH == 1] = 9
    found[(TRUTH == 2) | (TRUTH == 3)] = 4
    whole = TRUTH == 4
    found[36 - 8 : 33][whole[36 - 8 : 33]] = 5
    found[33:36][whole[33:36]] = 6
    found[36:40][whole[36:40]] = 7
    found[40:][whole[40:]] = 8
    found[20:26, 28:34] = 300
    return found


def test_the_outline_of_each_object_tells_what_became_of_it() -> None:
    image, truth, prediction, overlay = PAINTER.pictures(a_row(TRUTH, predicted()), TRUTH.shape)
    assert (image == GREY).all()
    line = outlines(TRUTH)
    # Of the two that are merged the one on top is over half of both, and so a match.
    assert np.array_equal(of_colour(overlay, "found"), line & np.isin(TRUTH, [1, 3]))
    assert np.array_equal(of_colour(overlay, "merged"), line & (TRUTH == 2))
    assert np.array_equal(of_colour(overlay, "split"), line & (TRUTH == 4))
    assert np.array_equal(of_colour(overlay, "missed"), line & (TRUTH == 5))
    # Pieces of what is split match nothing either; what is there lies on top.
    invented = outlines(predicted()) & np.isin(predicted(), [5, 6, 7, 8, 300])
    assert np.array_equal(of_colour(overlay, "false"), invented & ~line)
    assert (overlay[~line & ~invented] == GREY).all()
    assert truth is not None
    for drawn, labels in ((truth, TRUTH), (prediction, predicted())):
        assert np.array_equal((drawn != GREY).any(axis=2), outlines(labels))


def test_without_truth_nothing_is_judged() -> None:
    _, truth, prediction, overlay = PAINTER.pictures(a_row(None, predicted()), TRUTH.shape)
    assert truth is None
    assert np.array_equal(prediction, overlay)
    assert PAINTER.legend(judged=False) == []


def test_labels_that_differ_by_256_are_two_objects() -> None:
    truth = discs((12, 14, 8), (12, 30, 8), ids=(300, 300 + 2**16))
    _, drawn, _, overlay = PAINTER.pictures(a_row(truth, truth), truth.shape)
    assert drawn is not None
    assert np.array_equal((drawn != GREY).any(axis=2), outlines(truth))
    assert np.array_equal(of_colour(overlay, "found"), outlines(truth))


def test_outcomes_are_those_at_the_size_of_the_labels() -> None:
    """A picture a sixth as large loses what is small: that is not missed, nor does it fail."""
    truth = discs(*((row, column, 2) for row in range(4, 90, 9) for column in range(4, 90, 9)))
    truth = discs((4, 4, 2), (4, 13, 2), (60, 60, 20), size=(96, 96))
    for size in ((16, 16), (192, 192), (33, 70)):
        *_, overlay = PAINTER.pictures(a_row(truth, truth), size)
        assert overlay.shape == (*size, 3)
        assert of_colour(overlay, "found").any()
        for name in ("missed", "false", "merged", "split"):
            assert not of_colour(overlay, name).any()


def test_a_prediction_that_was_kept_small_is_held_against_its_truth() -> None:
    """Of a large image the answer is kept as a panel shows it, the truth at its own size."""
    truth = discs((40, 40, 30), (150, 120, 40), size=(200, 240))
    small = truth[::2, ::2]
    row = PanelRow("r1", np.full((200, 240, 3), GREY, np.uint8), truth, small)  # type: ignore[arg-type]
    *_, overlay = PAINTER.pictures(row, (100, 120))
    assert of_colour(overlay, "found").any()
    assert not of_colour(overlay, "missed").any()


@pytest.mark.parametrize("truth", [TRUTH, None])
def test_a_panel_of_objects(truth: NDArray[np.int32] | None) -> None:
    picture = panel([a_row(truth, predicted())], PAINTER, height=96)
    told = [bool(of_colour(picture[-40:], name).any()) for name in LEGEND]
    assert told == [truth is not None] * len(LEGEND)
