"""Components counted band by band, against the whole image at once."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from segkit.imaging.components import ComponentCounter


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
