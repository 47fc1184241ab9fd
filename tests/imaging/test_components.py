"""Components labelled; and counted band by band, against the whole image at once."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from segkit.imaging.components import ComponentCounter, components

PICTURE = """
##....#.
##..##..
.....#.#
....#...
.##.....
.##....#
"""


def mask() -> NDArray[np.bool_]:
    return np.array([[sign == "#" for sign in line] for line in PICTURE.split()])


def test_pixels_that_meet_at_a_corner_are_one_object() -> None:
    labels = components(mask())
    assert labels.dtype == np.int32
    assert np.bincount(labels.ravel()).tolist()[1:] == [4, 5, 1, 4, 1]
    assert [int(labels[at]) for at in ((0, 0), (0, 6), (2, 7), (4, 1), (5, 7))] == [1, 2, 3, 4, 5]


def test_small_ones_are_dropped_and_the_others_numbered_without_a_gap() -> None:
    labels = components(mask(), min_area=4)
    assert np.bincount(labels.ravel()).tolist()[1:] == [4, 5, 4]
    assert components(mask(), min_area=6).max() == 0
    assert components(np.zeros((0, 4), np.bool_)).shape == (0, 4)


def counted(mask: NDArray[np.bool_], heights: list[int]) -> int:
    counter, top = ComponentCounter(), 0
    for height in heights:
        counter.add(mask[top : top + height])
        top += height
    assert top == len(mask)
    return counter.count


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.42, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("heights", [[40], [1] * 40, [7, 7, 7, 7, 7, 5], [39, 1]])
def test_as_many_as_in_the_whole(share: float, heights: list[int]) -> None:
    for seed in range(5):
        mask = np.random.default_rng(seed).random((40, 33)) < share
        assert counted(mask, heights) == ndimage.label(mask, np.ones((3, 3)))[1]


def test_two_that_meet_in_a_later_band_are_one() -> None:
    letter_u = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]], bool)
    assert counted(letter_u, [1, 1, 1]) == 1
    assert counted(letter_u[:2], [1, 1]) == 2


def test_one_that_parted_above_and_meets_again_is_one() -> None:
    ring = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1], [1, 1, 1]], bool)
    assert counted(ring, [1, 1, 1, 1]) == 1


def test_a_corner_touches() -> None:
    assert counted(np.eye(6, dtype=bool), [1] * 6) == 1
    assert counted(np.eye(6, dtype=bool)[::2], [1] * 3) == 3
