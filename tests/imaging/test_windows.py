"""Every object once and whole, whatever the bands."""

from collections.abc import Callable

import numpy as np
import pytest

from segkit.imaging.windows import bounding_boxes, windows
from tests.inference.objects.phantoms import PHANTOMS, Labels, seventy_thousand


@pytest.mark.parametrize("pixels", [1, 40, 31 * 5, 2**22])
@pytest.mark.parametrize("phantom", PHANTOMS)
def test_objects_put_back_are_the_labels(phantom: Callable[[], Labels], pixels: int) -> None:
    labels = phantom()
    again, seen = np.zeros_like(labels), []
    for window in windows(labels, pixels=pixels):
        assert window.numbers.shape == labels[window.rows, window.columns].shape
        for label, top, left, mask in window.objects():
            for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
                assert edge.any()
            again[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = label
            seen.append(label)
    np.testing.assert_array_equal(again, labels)
    assert sorted(seen) == np.unique(labels[labels > 0]).tolist()


class Counted:
    """Rows on disk, so to speak: which are asked for is written down."""

    def __init__(self, labels: Labels) -> None:
        self._labels, self.shape = labels, labels.shape
        self.largest = 0

    def __getitem__(self, rows: slice, /) -> Labels:
        found = self._labels[rows]
        self.largest = max(self.largest, found.size)
        return found


def test_no_more_is_read_at_once_than_a_band_and_an_object() -> None:
    labels = np.zeros((400, 50), np.int32)
    for number, top in enumerate(range(0, 392, 8), start=1):
        labels[top : top + 7, 4:9] = number
    labels[:, 40] = 10_000  # from top to bottom: it must not widen the others' windows
    source = Counted(labels)
    found = list(windows(source, pixels=50 * 16))
    assert source.largest <= 50 * (16 + 7)
    assert max(window.numbers.size for window in found if len(window.ids) > 1) <= 5 * (16 + 7)
    assert sum(len(window.ids) for window in found) == 50


def test_labels_far_apart_need_no_more_memory() -> None:
    labels = np.zeros((3, 5), np.int64)
    labels[1, 1], labels[0, 4] = 2**62, 4
    ids, boxes = bounding_boxes(labels)
    assert ids.tolist() == [4, 2**62]
    assert boxes.tolist() == [[0, 4, 1, 5], [1, 1, 2, 2]]
    assert [one.ids.tolist() for one in windows(labels, pixels=5)] == [[4], [2**62]]


def test_many_objects() -> None:
    labels = seventy_thousand()
    ids, boxes = bounding_boxes(labels, pixels=5000)
    assert len(ids) == 71_022
    assert (boxes[:, 2] - boxes[:, 0]).max() == 2
    assert sum(len(one.ids) for one in windows(labels, pixels=5000)) == len(ids)


def test_unsigned_labels() -> None:
    labels = np.array([[0, 200], [65_535, 200]], np.uint16)
    assert bounding_boxes(labels)[0].tolist() == [200, 65_535]
    assert [(x[0], int(x[3].sum())) for w in windows(labels) for x in w.objects()] == [
        (200, 2),
        (65_535, 1),
    ]
