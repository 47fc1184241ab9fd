"""The channels that a network takes, and those that a picture shows."""

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.imaging.channels import as_grey, as_rgb, shown_as, to_channels
from tests.imaging.pictures import GREY, RGB, noise


def test_grey_and_colour() -> None:
    for grey in (GREY, GREY[..., None]):
        np.testing.assert_array_equal(to_channels(grey, 1), GREY[..., None])
        np.testing.assert_array_equal(to_channels(grey, 3), np.stack([GREY] * 3, axis=2))
    np.testing.assert_array_equal(to_channels(RGB, 3), RGB)
    weighted = RGB @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(to_channels(RGB, 1)[..., 0], weighted, atol=1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_any_number_and_any_choice(count: int) -> None:
    image = noise((6, 8, count))
    np.testing.assert_array_equal(to_channels(image, count), image)
    chosen = tuple(reversed(range(count)))
    taken = to_channels(image, chosen)
    np.testing.assert_array_equal(taken, image[..., ::-1])
    assert taken.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(("has", "taken"), [(2, 3), (4, 3), (3, 4), (1, 2), (2, 1), (5, 1)])
def test_other_channels_are_refused(has: int, taken: int) -> None:
    with pytest.raises(SegkitError, match=f"has {has} channel") as caught:
        to_channels(noise((6, 8, has)), taken, "cells.tif")
    assert caught.value.where == "cells.tif"
    assert "dataset.channels=auto" in caught.value.remedy


def test_a_place_that_is_not_there() -> None:
    with pytest.raises(SegkitError, match="channel 2, counted from 0"):
        to_channels(noise((6, 8, 2)), (0, 2))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_a_picture_shows_the_first_three(count: int) -> None:
    image = noise((6, 8, count))
    shown = as_rgb(image)
    assert shown.shape == (6, 8, 3)
    for place in range(3):
        expected = image[..., 0 if count == 1 else place] if place < count or count == 1 else 0
        np.testing.assert_array_equal(shown[..., place], expected)
    assert as_grey(image).shape == (6, 8)


def test_what_is_shown_in_words() -> None:
    assert shown_as(1) == shown_as(3) == ""
    assert shown_as(2) == "channels 0 and 1 as red and green"
    assert shown_as(5).startswith("of 5 channels 0, 1 and 2")
