"""Outlines against shapely, and filled again."""

from collections.abc import Callable

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from segkit.inference.objects.rings import polygons
from tests.inference.objects.phantoms import PHANTOMS, Labels, fill


def check(mask: NDArray[np.bool_]) -> None:
    """Valid polygons, apart from each other, of exactly these pixels."""
    parts = list(polygons(mask, top=30, left=50))
    shapes = [shapely.Polygon(part[0], part[1:]) for part in parts]
    for shape, part in zip(shapes, parts, strict=True):
        assert shape.is_valid, shapely.is_valid_reason(shape)
        assert shape.exterior.is_ccw
        assert not any(hole.is_ccw for hole in shape.interiors)
        for ring in part:
            steps = np.diff(np.vstack([ring, ring[:1]]), axis=0)
            # A corner is where the way turns: never a point halfway along an edge.
            assert ((steps != 0).sum(axis=1) == 1).all()
            assert ((steps[:, 0] != 0) != (np.roll(steps, 1, axis=0)[:, 0] != 0)).all()
    whole = shapely.MultiPolygon(shapes)
    assert whole.is_valid, shapely.is_valid_reason(whole)
    assert whole.area == mask.sum()
    rows, columns = np.indices(mask.shape)
    centres = shapely.contains_xy(whole, columns + 50.5, rows + 30.5)
    np.testing.assert_array_equal(centres, mask)
    size = (30 + mask.shape[0], 50 + mask.shape[1])
    filled = fill([ring for part in parts for ring in part], size)
    np.testing.assert_array_equal(filled[30:, 50:], mask)
    assert filled.sum() == mask.sum()


@pytest.mark.parametrize("phantom", PHANTOMS)
def test_phantoms(phantom: Callable[[], Labels]) -> None:
    labels = phantom()
    for label in np.unique(labels[labels > 0]):
        check(labels == label)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7, 0.9])
def test_whatever_the_mask(share: float) -> None:
    random = np.random.default_rng(1)
    for _ in range(150):
        check(random.random(random.integers(1, 9, 2)) < share)
    check(random.random((90, 70)) < share)


def test_a_rectangle_with_a_hole() -> None:
    mask = np.ones((4, 5), bool)
    mask[1:3, 2] = False
    ((outer, hole),) = polygons(mask, top=10, left=20)
    assert outer.tolist() == [[20, 10], [25, 10], [25, 14], [20, 14]]
    assert hole.tolist() == [[22, 11], [22, 13], [23, 13], [23, 11]]


def test_parts_that_share_a_corner_are_two() -> None:
    mask = np.array([[1, 0], [0, 1]], bool)
    first, second = polygons(mask)
    assert first[0].tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]
    assert second[0].tolist() == [[1, 1], [2, 1], [2, 2], [1, 2]]


def test_nothing_has_no_outline() -> None:
    assert list(polygons(np.zeros((3, 3), bool))) == []
