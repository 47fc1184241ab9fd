import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.targets import encode
from segkit.tasks.instance.watershed import decode, grow
from tests.tasks.instance.phantoms import discs, ellipses, unsure_maps

SETTINGS = Settings(threshold=0.5, seed_threshold=0.35, min_area=10)


def _best_overlaps(truth: NDArray[np.int32], found: NDArray[np.int32]) -> NDArray[np.float64]:
    """The largest IoU of each true object."""
    table = np.zeros((truth.max() + 1, found.max() + 1))
    np.add.at(table, (truth, found), 1)
    union = table.sum(1, keepdims=True) + table.sum(0, keepdims=True) - table
    return np.asarray((table[1:, 1:] / union[1:, 1:]).max(axis=1))


def _maps(foreground: NDArray[np.bool_], sure: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Seeds as given, without contact."""
    return np.stack([foreground, np.zeros_like(foreground), sure]).astype(np.float32)


def test_discs_that_touch_come_back() -> None:
    truth = discs((140, 160), 10, 19)
    assert encode(truth)[1].any()
    found = decode(encode(truth), SETTINGS)
    assert found.dtype == np.int32
    assert found.max() == truth.max() == 42
    assert _best_overlaps(truth, found).min() > 0.95
    # The lattice is numbered in raster order; so is what is found.
    assert all((found[truth == label] == label).mean() > 0.95 for label in range(1, 43))


def test_discs_come_back_of_maps_that_are_unsure() -> None:
    truth = discs((140, 160), 10, 19)
    found = decode(unsure_maps(truth, seed=0, noise=0.1), SETTINGS)
    assert found.max() == 42
    assert _best_overlaps(truth, found).min() > 0.8


def test_objects_of_many_sizes_come_back() -> None:
    truth = ellipses(3, (200, 200), 60, 16)
    whole = np.bincount(truth.ravel())[1:] >= 40
    best = _best_overlaps(truth, decode(encode(truth), SETTINGS))[whole]
    assert (best > 0.5).mean() > 0.95
    assert (best > 0.9).mean() > 0.8


def test_the_same_maps_give_the_same_labels() -> None:
    maps = np.round(unsure_maps(ellipses(1, (120, 130), 90, 9), 1, 0.1) * 8) / np.float32(8)
    kept = maps.copy()
    np.testing.assert_array_equal(decode(maps, SETTINGS), decode(maps.copy(), SETTINGS))
    np.testing.assert_array_equal(maps, kept)


@pytest.mark.parametrize("seed", range(4))
def test_labels_count_on_in_raster_order_and_hang_together(seed: int) -> None:
    found = decode(unsure_maps(ellipses(seed, (120, 130), 80, 10), seed, 0.15), SETTINGS)
    labels, first = np.unique(found, return_index=True)
    assert labels.tolist() == list(range(found.max() + 1))
    assert (np.diff(first[1:]) > 0).all()
    assert all(ndimage.label(found == label)[1] == 1 for label in labels[1:])
    assert np.bincount(found.ravel()).min() >= 10


@pytest.mark.parametrize("seed", range(4))
def test_what_one_seed_holds_alone_need_not_be_flooded(seed: int) -> None:
    maps = unsure_maps(ellipses(seed, (160, 170), 50, 10), seed, 0.05)
    found, seeds = grow(maps, Settings(0.5, 0.35, min_area=0))
    inside = maps[0] > 0.5
    flooded = watershed(maps[1] - maps[2], seeds, mask=inside)
    pieces = ndimage.label(inside)[0]
    numbers = [set(seeds[pieces == piece].tolist()) for piece in range(1, pieces.max() + 1)]
    assert any(len(some - {0}) == 1 for some in numbers)
    assert any(len(some - {0}) > 1 for some in numbers)
    # Seeds are flooded in another order, which tells where they meet without a gap.
    assert (found[inside] == flooded[inside]).mean() > 0.999


def test_seeds_that_meet_at_a_corner_are_two() -> None:
    sure = np.zeros((60, 60), np.bool_)
    sure[10:30, 10:30] = True
    sure[30:50, 30:50] = True
    found = decode(_maps(sure, sure), Settings(seed_threshold=0.9, min_area=0))
    assert found.max() == 2
    assert found[20, 20] == 1
    assert found[40, 40] == 2


def test_contact_parts_what_distance_does_not() -> None:
    maps = np.ones((3, 30, 61), np.float32)
    maps[1] = 0
    assert decode(maps, SETTINGS).max() == 1
    maps[1, :, 29:32] = 1
    found = decode(maps, SETTINGS)
    assert found.max() == 2
    assert (found > 0).all()
    assert abs(np.count_nonzero(found == 1) - np.count_nonzero(found == 2)) <= 60


def test_foreground_without_a_seed_is_no_object() -> None:
    foreground = np.zeros((30, 60), np.bool_)
    foreground[5:25, 5:25] = foreground[5:25, 35:55] = True
    sure = foreground.copy()
    sure[:, 30:] = False
    found = decode(_maps(foreground, sure), SETTINGS)
    assert found.max() == 1
    assert np.count_nonzero(found) == 400


def test_a_seed_outside_the_foreground_is_no_object() -> None:
    sure = np.ones((20, 20), np.bool_)
    assert not decode(_maps(~sure, sure), SETTINGS).any()


def test_thresholds_are_exceeded_not_met() -> None:
    maps = _maps(np.ones((9, 9), np.bool_), np.ones((9, 9), np.bool_)) * np.float32(0.5)
    assert not decode(maps, Settings(0.5, 0.25, 0)).any()
    assert not decode(maps, Settings(0.25, 0.5, 0)).any()
    assert decode(maps, Settings(0.25, 0.25, 0)).all()


def test_the_least_area_is_kept() -> None:
    foreground = np.zeros((30, 60), np.bool_)
    foreground[5:15, 5:15] = foreground[5:15, 35:46] = True
    maps = _maps(foreground, foreground)
    assert [decode(maps, Settings(min_area=area)).max() for area in (100, 101, 110, 111)] == [
        2,
        1,
        1,
        0,
    ]
    assert decode(maps, Settings(min_area=101))[10, 40] == 1


def test_holes_are_filled() -> None:
    foreground = np.zeros((60, 60), np.bool_)
    foreground[10:50, 10:50] = True
    solid = decode(_maps(foreground, foreground), SETTINGS)
    foreground[20:30, 20:30] = foreground[40, 40] = False
    np.testing.assert_array_equal(decode(_maps(foreground, foreground), SETTINGS), solid)


def test_a_bay_at_the_border_is_no_hole() -> None:
    foreground = np.ones((40, 40), np.bool_)
    foreground[:10, 10:20] = foreground[35:, 5] = foreground[12, 39] = foreground[20, 0] = False
    found = decode(_maps(foreground, foreground), SETTINGS)
    np.testing.assert_array_equal(found > 0, foreground)


def test_an_object_within_a_ring_keeps_its_pixels() -> None:
    rows, columns = np.indices((80, 80))
    apart = np.hypot(rows - 40, columns - 40)
    ring, middle = (apart > 20) & (apart < 35), apart < 12
    found = decode(_maps(ring | middle, ring | middle), SETTINGS)
    assert found.max() == 2
    # What two objects enclose is neither's.
    np.testing.assert_array_equal(found, np.where(ring, 1, np.where(middle, 2, 0)))


def test_what_is_too_small_within_a_hole_becomes_part_of_it() -> None:
    foreground = np.zeros((60, 60), np.bool_)
    foreground[10:50, 10:50] = True
    foreground[25:35, 25:35] = False
    foreground[29:31, 29:31] = True
    found = decode(_maps(foreground, foreground), SETTINGS)
    assert np.count_nonzero(found == 1) == 1600


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_the_smallest_images(shape: tuple[int, int]) -> None:
    everywhere = np.ones(shape, np.bool_)
    assert (decode(_maps(everywhere, everywhere), Settings(min_area=0)) == 1).all()
    assert not decode(_maps(~everywhere, everywhere), Settings(min_area=0)).any()
