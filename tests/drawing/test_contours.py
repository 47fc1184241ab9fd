"""Outlines against scikit-image, and colours of neighbours."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

from segkit.drawing.contours import COLOURS, brightened, draw_contours, outlines


def blobs(seed: int, count: int = 40) -> NDArray[np.int32]:
    """Cells of the nearest of some points, with background between some of them."""
    random = np.random.default_rng(seed)
    points = random.integers(0, 120, (count, 2))
    rows, columns = np.indices((120, 130))
    squared = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    labels: NDArray[np.int32] = 3 * squared.argmin(axis=2).astype(np.int32) + 5
    labels[squared.min(axis=2) > 120] = 0
    return labels


@pytest.mark.parametrize("seed", range(4))
def test_outlines_are_scikit_images_inner_boundaries(seed: int) -> None:
    labels = blobs(seed)
    expected = find_boundaries(labels, connectivity=1, mode="inner")
    np.testing.assert_array_equal(outlines(labels), expected)


def test_the_images_border_is_no_outline() -> None:
    labels = np.ones((6, 7), np.int32)
    assert not outlines(labels).any()
    labels[3, 3] = 0
    assert np.argwhere(outlines(labels)).tolist() == [[2, 3], [3, 2], [3, 4], [4, 3]]


@pytest.mark.parametrize("seed", range(6))
def test_neighbours_differ(seed: int) -> None:
    labels = blobs(seed, count=120)
    drawn = draw_contours(np.zeros((*labels.shape, 3), np.uint8), labels)
    line = outlines(labels)
    assert not drawn[~line].any()
    colour = {
        int(label): tuple(drawn[line & (labels == label)][0].tolist())
        for label in np.unique(labels[line])
    }
    for label, one in colour.items():
        assert (drawn[line & (labels == label)] == one).all()
    for left, right in ((labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])):
        meet = (left != right) & (left > 0) & (right > 0)
        assert meet.any()
        for first, second in {*zip(left[meet].tolist(), right[meet].tolist(), strict=True)}:
            assert colour[first] != colour[second]
    assert set(colour.values()) == {tuple(one) for one in COLOURS.tolist()}


def test_objects_a_little_apart_differ_too() -> None:
    labels = np.zeros((12, 80), np.int32)
    for number, left in enumerate(range(0, 80, 8)):
        labels[3:9, left : left + 5] = 7 * number + 1  # the colours would come again
    drawn = draw_contours(np.zeros((12, 80), np.uint8), labels)
    for left in range(0, 72, 8):
        assert (drawn[3, left] != drawn[3, left + 8]).any()


def test_colours_that_are_given() -> None:
    labels = np.array([[0, 9, 0, 4, 0]], np.int32)
    image = np.full((1, 5, 3), 50, np.uint8)
    each = draw_contours(image, labels, np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    assert each[0].tolist() == [[50] * 3, [4, 5, 6], [50] * 3, [1, 2, 3], [50] * 3]
    one = draw_contours(image, labels, np.array([7, 8, 9], np.uint8))
    assert one[0].tolist() == [[50] * 3, [7, 8, 9], [50] * 3, [7, 8, 9], [50] * 3]
    assert (image == 50).all()
    with pytest.raises(ValueError, match="3 colours for 2 objects"):
        draw_contours(image, labels, np.zeros((3, 3), np.uint8))


def test_nothing_to_draw() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    drawn = draw_contours(image, np.zeros((3, 4), np.int32))
    np.testing.assert_array_equal(drawn, np.dstack([image] * 3))
    with pytest.raises(ValueError, match="labels of shape"):
        draw_contours(image, np.zeros((4, 3), np.int32))


def test_a_dark_image_is_stretched_and_any_other_left_alone() -> None:
    dark = np.full((20, 20, 3), 10, np.uint8)
    dark[5:15, 5:15] = 40
    shown = brightened(dark)
    assert shown[10, 10].tolist() == [255] * 3
    assert shown[0, 0].tolist() == [63] * 3
    light = np.where(dark == 40, np.uint8(101), dark)
    assert brightened(light) is light
    assert not brightened(np.zeros((4, 4, 3), np.uint8)).any()
    assert brightened(np.zeros((0, 4, 3), np.uint8)).shape == (0, 4, 3)
