import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.tasks.instance.targets import PLANES, encode
from tests.tasks.instance.phantoms import ellipses

FOREGROUND, CONTACT, DISTANCE = range(3)


def _distance_by_definition(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Object by object and pixel by pixel."""
    answer = np.zeros(labels.shape)
    height, width = labels.shape
    for label in set(labels.ravel().tolist()) - {0}:
        pixels = np.argwhere(labels == label)
        boundary = [
            (row, column)
            for row, column in pixels
            for y, x in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
            if 0 <= y < height and 0 <= x < width and labels[y, x] != label
        ]
        if not boundary:
            answer[labels == label] = 1
            continue
        apart = pixels[:, None] - np.array(boundary)[None]
        values = np.sqrt((apart**2).sum(axis=2)).min(axis=1) + 1
        answer[tuple(pixels.T)] = values / values.max()
    return answer


def _contact_by_definition(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    areas = np.bincount(labels.ravel())
    answer = np.zeros(labels.shape, np.bool_)
    for row, column in np.ndindex(labels.shape):
        for radius in (1, 2, 3):
            window = labels[
                max(0, row - radius) : row + radius + 1,
                max(0, column - radius) : column + radius + 1,
            ]
            seen = areas[sorted(set(window.ravel().tolist()) - {0})]
            least = (0, 300, 2000)[radius - 1]
            answer[row, column] |= bool((seen >= least).sum() > 1)
    return answer


def test_planes_are_named_and_float32() -> None:
    planes = encode(np.eye(4, 6, dtype=np.int32))
    assert PLANES == ("foreground", "contact", "distance")
    assert planes.shape == (3, 4, 6)
    assert planes.dtype == np.float32


@pytest.mark.parametrize("seed", range(6))
def test_distance_is_that_of_each_object_alone(seed: int) -> None:
    labels = ellipses(seed, (37, 45), 14, 9)
    np.testing.assert_allclose(encode(labels)[DISTANCE], _distance_by_definition(labels), rtol=1e-6)


def test_distance_where_labels_are_noise() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (25, 31), dtype=np.int32)
    np.testing.assert_allclose(encode(labels)[DISTANCE], _distance_by_definition(labels), rtol=1e-6)


def test_distance_of_a_square_counts_from_its_edge() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[1:8, 1:8] = 5
    row = encode(labels)[DISTANCE, 4]
    np.testing.assert_allclose(row, np.array([0, 1, 2, 3, 4, 3, 2, 1, 0]) / 4)


def test_the_border_of_the_image_bounds_no_object() -> None:
    labels = np.zeros((4, 8), np.int32)
    labels[:, :4] = 1
    distance = encode(labels)[DISTANCE]
    np.testing.assert_allclose(distance[0], np.array([4, 3, 2, 1, 0, 0, 0, 0]) / 4)
    assert (distance == distance[0]).all()


def test_an_object_that_fills_the_image_is_inside_everywhere() -> None:
    planes = encode(np.full((5, 5), 3, np.int32))
    assert (planes[DISTANCE] == 1).all()
    assert (planes[FOREGROUND] == 1).all()
    assert not planes[CONTACT].any()


@pytest.mark.parametrize(
    ("side", "radius"), [(17, 1), (18, 2), (44, 2), (45, 3)], ids=["289", "324", "1936", "2025"]
)
def test_contact_is_as_wide_as_the_smaller_object_allows(side: int, radius: int) -> None:
    labels = np.zeros((side, side + 60), np.int32)
    labels[:, :side] = 1
    labels[:, side:] = 2
    contact = np.flatnonzero(encode(labels)[CONTACT, side // 2])
    assert contact.tolist() == list(range(side - radius, side + radius))


def test_contact_bridges_a_gap_of_the_window() -> None:
    labels = np.zeros((5, 9), np.int32)
    labels[:, :4], labels[:, 5:] = 1, 2
    assert np.flatnonzero(encode(labels)[CONTACT, 2]).tolist() == [4]
    labels[:, 5] = 0
    assert not encode(labels)[CONTACT].any()


@pytest.mark.parametrize("seed", range(3))
def test_contact_by_its_definition(seed: int) -> None:
    labels = ellipses(seed, (90, 100), 12, 34)
    areas = np.bincount(labels.ravel())[1:]
    assert (areas > 300).sum() > 1
    assert ((areas > 0) & (areas < 300)).any()
    found = encode(labels)[CONTACT]
    np.testing.assert_array_equal(found.astype(np.bool_), _contact_by_definition(labels))


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint16])
def test_ids_are_only_names(kind: type[np.integer]) -> None:
    labels = ellipses(1, (40, 50), 20, 8)
    names = np.random.default_rng(1).choice(np.arange(1, 60_000), labels.max() + 1, replace=False)
    names[0] = 0
    np.testing.assert_array_equal(encode(names[labels].astype(kind)), encode(labels))


def test_ids_may_be_the_largest_there_are() -> None:
    labels = np.zeros((6, 12), np.int32)
    labels[:, 2:6], labels[:, 6:10] = np.iinfo(np.int32).max, 1
    small = np.where(labels > 1, 2, labels)
    np.testing.assert_array_equal(encode(labels), encode(small))


def test_an_object_in_pieces_is_one() -> None:
    labels = np.zeros((9, 30), np.int32)
    labels[1:8, 1:8] = 1
    labels[3:6, 20:23] = 1
    planes = encode(labels)
    assert not planes[CONTACT].any()
    assert planes[DISTANCE].max() == 1
    assert planes[DISTANCE, :, 20:].max() == pytest.approx(2 / 4)


def test_no_object() -> None:
    assert not encode(np.zeros((7, 3), np.int32)).any()


def test_two_objects_without_background() -> None:
    planes = encode(np.repeat([[1, 1, 2, 2]], 4, axis=0))
    assert (planes[FOREGROUND] == 1).all()
    assert planes[CONTACT, 0].tolist() == [0, 1, 1, 0]
