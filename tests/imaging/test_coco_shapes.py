"""Outlines of COCO, against its own library."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco

from segkit.imaging.coco_shapes import outlined, unpacked
from segkit.imaging.objects import draw


def pixels(segmentation: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray(draw(shape, [outlined(segmentation, shape)]).labels > 0)


def packed(mask: NDArray[np.bool_]) -> str:
    return str(coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode())


def masks() -> list[NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 40, (60, 2))
    found = [
        rng.random(tuple(size)) < share for size, share in zip(sizes, rng.random(60), strict=True)
    ]
    ring = np.zeros((90, 70), np.bool_)
    ring[5:80, 10:60] = True
    ring[20:50, 20:50] = False  # a hole
    far = np.zeros((3000, 900), np.bool_)
    far[2990:, 880:] = True  # a run of millions
    tall = np.zeros((30, 20), np.bool_)
    tall[:, 3:5] = tall[10:, 7:9] = tall[:12, 8:10] = True  # runs over several columns
    return [*found, ring, far, tall, np.zeros((4, 5), np.bool_), np.ones((4, 5), np.bool_)]


@pytest.mark.parametrize("mask", masks())
def test_runs_are_exact_packed_and_not(mask: NDArray[np.bool_]) -> None:
    shape = (mask.shape[0], mask.shape[1])
    text = packed(mask)
    for counts in (text, unpacked(text)):
        found = pixels({"size": list(shape), "counts": counts}, shape)
        np.testing.assert_array_equal(found, mask)


def test_rectangles_are_exact() -> None:
    """Corners are corners of pixels: 2…5 are the pixels 2, 3 and 4."""
    found = pixels([[2, 1, 5, 1, 5, 9, 2, 9]], (12, 14))
    expected = np.zeros((12, 14), np.bool_)
    expected[1:9, 2:5] = True
    np.testing.assert_array_equal(found, expected)


def test_several_polygons_are_one_object() -> None:
    found = pixels([[0, 0, 3, 0, 3, 3, 0, 3], [2, 2, 6, 2, 6, 6, 2, 6]], (8, 8))
    expected = np.zeros((8, 8), np.bool_)
    expected[:3, :3] = expected[2:6, 2:6] = True
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_polygons_are_those_of_coco_but_for_its_rounding_at_the_rim() -> None:
    rng = np.random.default_rng(1)
    shape = (70, 90)
    for _ in range(50):
        turns = np.sort(rng.uniform(0, 2 * np.pi, 12))
        far = rng.uniform(8, 30, 12)
        centre = rng.uniform(0, (90, 70))  # some reach out of the image
        corners = centre + far[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        ring = [corners.ravel().tolist()]
        expected = coco.decode(coco.merge(coco.frPyObjects(ring, *shape))).astype(np.bool_)
        wrong = np.count_nonzero(pixels(ring, shape) ^ expected)
        assert wrong <= 0.06 * np.count_nonzero(expected) + 4


def test_a_polygon_may_reach_far_out_of_the_image() -> None:
    found = pixels([[-2e9, 1, 2e9, 1, 2e9, 3, -2e9, 3]], (4, 5))
    assert found.sum(axis=1).tolist() == [0, 5, 5, 0]


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        (None, "without an outline"),
        ([], "without an outline"),
        ([[1, 2, 3, 4]], "4 numbers"),
        ([[1, 2, 3, 4, 5, 6, 7]], "7 numbers"),
        ([["a", 2, 3, 4, 5, 6]], "no list of numbers"),
        ([[1, 2, 3, 4, 5, float("nan")]], "no list of numbers"),
        ({"size": [4, 5], "counts": [3, 2]}, "5 pixels in an image of 20"),
        ({"size": [4, 5], "counts": [22, -2]}, "in an image of 20"),
        ({"size": [4, 5], "counts": [12, -2, 10]}, "no whole numbers of 0…20"),
        ({"size": [4, 5], "counts": [2.5, 17.5]}, "no whole numbers of 0…20"),
        ({"size": [4, 5], "counts": [2**62, 2**62, 2**62, 2**62, 20]}, "no whole numbers of 0…20"),
        ({"size": [4, 5], "counts": [10**400]}, "no list of numbers"),
        ({"size": [4, 5], "counts": "P" * 13 + "0"}, "more than 60 bits"),
        ({"size": [4, 5], "counts": "P" * 400_000}, "more than 60 bits"),  # at once
        ([[0, 0, 3, 0, 3, 10**400]], "no list of numbers"),
        ([[0, 0, 1e300, 0, 1e300, 3]], "a corner 1e"),
        ([[0, 0, 3, 0, 3, -1e19]], "a corner 1e"),
        ({"size": [5, 4], "counts": [20]}, r"size \[5, 4\]"),
        ({"size": [4, 5], "counts": None}, "no list of numbers"),
        ({"size": [4, 5], "counts": "`"}, "end within a number"),
        ({"size": [4, 5], "counts": ""}, "no list of numbers"),
    ],
)
def test_what_cannot_be_drawn_is_told(segmentation: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        outlined(segmentation, (4, 5))
