"""Label images: as stored, and drawn object by object."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.imaging.masks import MaskDoubtError
from segkit.imaging.objects import Part, draw, stored_labels

EVERY = (slice(None), slice(None))


def box(top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
    mask = np.zeros((10, 12), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def test_the_later_object_has_shared_pixels() -> None:
    parts: list[Part] = [(EVERY, box(0, 4, 0, 4)), (EVERY, box(2, 6, 2, 6))]
    drawn = draw((10, 12), iter(parts))
    assert drawn.labels.dtype == np.int32
    assert (drawn.labels[2:6, 2:6] == 2).all()
    assert (drawn.labels == 1).sum() == 12
    assert (drawn.foreground, drawn.shared, drawn.vanished) == (28, 4, 0)


def test_objects_wholly_covered_are_counted_and_empty_ones_are_not() -> None:
    shapes = [box(1, 3, 1, 3), box(0, 0, 0, 0), box(0, 5, 0, 5), box(6, 7, 6, 7)]
    drawn = draw((10, 12), ((EVERY, shape) for shape in shapes))
    assert np.unique(drawn.labels).tolist() == [0, 3, 4]
    assert (drawn.foreground, drawn.shared, drawn.vanished) == (26, 4, 1)


def test_pixels_that_three_objects_share_count_once() -> None:
    drawn = draw((10, 12), ((EVERY, box(0, 2, 0, 2)) for _ in range(3)))
    assert (drawn.foreground, drawn.shared, drawn.vanished) == (4, 4, 2)


def test_a_part_of_the_image_lies_where_it_says() -> None:
    drawn = draw((10, 12), [((slice(3, 5), slice(4, 6)), np.array([[True, False], [True, True]]))])
    assert np.argwhere(drawn.labels).tolist() == [[3, 4], [4, 4], [4, 5]]


def test_no_object_is_an_empty_image() -> None:
    drawn = draw((3, 4), [])
    assert not drawn.labels.any()
    assert (drawn.foreground, drawn.shared, drawn.vanished) == (0, 0, 0)


@pytest.mark.parametrize(
    "dtype", [np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, np.float32]
)
def test_labels_of_any_type_are_kept(dtype: Any) -> None:
    stored = np.array([[0, 1, 300], [32_767, 0, 1]]).astype(dtype)
    labels = stored_labels(stored, "a.tif")
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, stored)


def test_labels_up_to_the_largest_int32() -> None:
    most = 2**31 - 1
    assert stored_labels(np.array([[0, most]], np.uint32), "a.tif").tolist() == [[0, most]]
    with pytest.raises(SegkitError, match=f"holds {most + 1}") as caught:
        stored_labels(np.array([[0, most + 1]], np.uint32), "a.tif")
    assert "relabel_sequential" in caught.value.remedy
    with pytest.raises(SegkitError, match="holds 18446744073709551615"):
        stored_labels(np.array([[0, 2**64 - 1]], np.uint64), "a.tif")


def test_what_are_no_labels() -> None:
    with pytest.raises(SegkitError, match="holds -1"):
        stored_labels(np.array([[0, -1]], np.int32), "a.tif")
    with pytest.raises(MaskDoubtError, match="not whole"):
        stored_labels(np.array([[0, 1.5]]), "a.tif")
    with pytest.raises(MaskDoubtError, match="not whole"):
        stored_labels(np.array([[0, np.nan]]), "a.tif")
    with pytest.raises(MaskDoubtError, match="colours"):
        stored_labels(np.array([[[1, 2, 3]]], np.uint8), "a.png")


def test_a_label_image_saved_as_grey_rgb() -> None:
    grey = np.array([[0, 9], [8, 9]], np.uint16)
    np.testing.assert_array_equal(stored_labels(np.stack([grey] * 3, axis=2), "a.png"), grey)
