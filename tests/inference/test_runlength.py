"""Run lengths against a worked example, and decoded again."""

import numpy as np
import pytest
from scipy import ndimage

from segkit.inference.runlength import encode_components

EIGHT = np.ones((3, 3))


def test_the_worked_example() -> None:
    """Columns are counted first, from 1: (0,0) (1,0) and, a corner apart, (3,2); then (0,2)."""
    mask = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 1]], bool)
    assert list(encode_components(mask)) == ["1 2", "9 1", "12 1"]


def test_an_object_of_several_columns_is_one_row() -> None:
    mask = np.zeros((5, 4), bool)
    mask[1:3, 0:2] = True
    mask[3, 2] = True  # across a corner
    assert list(encode_components(mask)) == ["2 2 7 2 14 1"]


def test_what_runs_into_the_last_row_does_not_touch_the_next_column() -> None:
    mask = np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0]], bool)
    assert list(encode_components(mask)) == ["3 1", "4 1"]


def test_nothing_has_no_component() -> None:
    assert list(encode_components(np.zeros((3, 4), bool))) == []


@pytest.mark.parametrize("share", [0.05, 0.3, 0.45, 0.8, 1.0])
@pytest.mark.parametrize("shape", [(31, 17), (1, 40), (40, 1)])
def test_components_are_those_of_scipy(share: float, shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(3).random(shape) < share
    labels, count = ndimage.label(mask, EIGHT)
    decoded = np.zeros(shape, np.int64)
    flat = decoded.T.ravel()
    for number, text in enumerate(encode_components(mask), start=1):
        pairs = np.array(text.split(), int).reshape(-1, 2)
        for start, length in pairs:
            flat[start - 1 : start - 1 + length] = number
    decoded = flat.reshape(shape[::-1]).T
    assert np.array_equal(decoded > 0, mask)
    # The same partition under other numbers.
    pairs = np.unique(np.stack([labels[mask], decoded[mask]]), axis=1)
    assert pairs.shape[1] == count
