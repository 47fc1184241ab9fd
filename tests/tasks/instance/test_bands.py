import tracemalloc
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from segkit.tasks.instance import bands
from segkit.tasks.instance.bands import decode_bands, view_rows
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.watershed import BLUR, decode
from tests.tasks.instance.phantoms import ellipses, unsure_maps

# Of most tests here, so that their small images have a seam.
ROWS = 512
SETTINGS = Settings(threshold=0.5, seed_threshold=0.35, min_area=10)

Maps = NDArray[np.float32]


def _cut(maps: Maps, heights: Iterable[int]) -> Iterator[Maps]:
    top = 0
    for height in heights:
        yield maps[:, top : top + height]
        top += height


def _every(rows: int, height: int) -> list[int]:
    return [min(height, rows - top) for top in range(0, rows, height)]


def _together(parts: Iterable[tuple[Maps, NDArray[np.int32]]]) -> tuple[Maps, NDArray[np.int32]]:
    maps, labels = zip(*parts, strict=True)
    return np.concatenate(maps, axis=1), np.concatenate(labels)


def _tallest(labels: NDArray[np.int32]) -> int:
    heights: list[int] = [rows.stop - rows.start for rows, _ in ndimage.find_objects(labels)]
    return max(heights)


@pytest.fixture(autouse=True)
def several_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "view_rows", lambda halo, _: max(3 * (halo + BLUR), ROWS))


@pytest.mark.parametrize("seed", range(8))
def test_bands_are_the_whole(seed: int) -> None:
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(900, 1900)), int(draw.integers(20, 60)))
    truth = ellipses(seed, shape, shape[0] * shape[1] // 60, 7)
    maps = unsure_maps(truth, seed, 0.05 * (seed % 3))
    if seed % 2:
        # As of half precision, where many values are the same.
        maps = np.round(maps * 8) / np.float32(8)
    whole = decode(maps, SETTINGS)
    tallest = _tallest(whole)
    for halo, height in ((tallest, 37), (tallest + 11, 1), (130, 600), (tallest, shape[0])):
        # The first part ends within objects.
        seam = bands.view_rows(halo, shape[1]) - halo - BLUR
        assert set(whole[seam - 1].tolist()) & set(whole[seam].tolist()) - {0}
        parts = decode_bands(_cut(maps, _every(shape[0], height)), SETTINGS, halo)
        same, labels = _together(parts)
        np.testing.assert_array_equal(same, maps)
        np.testing.assert_array_equal(labels, whole)
        assert labels.dtype == np.int32


@pytest.mark.parametrize("seed", range(12))
def test_bands_are_the_whole_where_objects_are_clouds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random surfaces: pieces without end, seeds anywhere, shapes that are no nucleus's."""
    monkeypatch.setattr(bands, "view_rows", lambda halo, _: 3 * (halo + BLUR))
    draw = np.random.default_rng(seed)
    clouds = ndimage.gaussian_filter(draw.normal(size=(3, 400, 40)), (0, 2.5, 2.5))
    clouds /= clouds.std(axis=(1, 2), keepdims=True)
    levels = np.array([0.75, 0.3, 0.5])[:, None, None]
    maps = np.clip(clouds * 0.3 + levels, 0, 1).astype(np.float32)
    settings = Settings(0.5, 0.45, 3)
    whole = decode(maps, settings)
    tallest = _tallest(whole)
    assert 4 * (tallest + BLUR) < 400
    _, labels = _together(decode_bands(_cut(maps, _every(400, 50)), settings, tallest))
    np.testing.assert_array_equal(labels, whole)


@pytest.mark.parametrize("upwards", [False, True])
def test_bands_are_the_whole_where_seeds_lie_at_one_end(
    upwards: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bands, "view_rows", lambda halo, _: 3 * (halo + BLUR))
    rows, columns = np.indices((600, 90))
    bar = columns // 6
    # Bars of 40 rows, side by side, each column's begin elsewhere.
    along = (rows + 7 * bar) % 40 / 40
    distance = along if upwards else 1 - along
    contact = columns % 6 == 0
    maps = np.stack([np.ones_like(distance), contact, distance]).astype(np.float32)
    settings = Settings(0.5, 0.7, 0)
    whole = decode(maps, settings)
    tallest = _tallest(whole)
    assert 4 * (tallest + BLUR) < 600
    _, labels = _together(decode_bands(_cut(maps, _every(600, 25)), settings, tallest))
    np.testing.assert_array_equal(labels, whole)
    _, cut = _together(decode_bands(_cut(maps, _every(600, 25)), settings, tallest // 4))
    assert (cut != whole).any(), "no seed is so far away that the halo matters"


@pytest.mark.parametrize("rows", [1, 30, 511, 512, 513, 984, 985])
def test_bands_of_any_heights_make_images_of_any(rows: int) -> None:
    maps = unsure_maps(ellipses(0, (rows, 40), rows // 2 + 1, 7), 0, 0.05)
    draw = np.random.default_rng(rows)
    heights = [0, *draw.multinomial(rows, [0.2] * 5).tolist(), 0]
    _, labels = _together(decode_bands(_cut(maps, heights), SETTINGS, 20))
    np.testing.assert_array_equal(labels, decode(maps, SETTINGS))


def test_an_object_taller_than_the_halo_keeps_its_label_while_its_seed_goes_on() -> None:
    maps = np.zeros((3, 2600, 60), np.float32)
    maps[::2, 20:2500, 10:30] = 1
    maps[::2, 700:1400, 40:55] = 1
    whole = decode(maps, SETTINGS)
    assert whole.max() == 2
    for height in (100, 700):
        _, labels = _together(decode_bands(_cut(maps, _every(2600, height)), SETTINGS, 10))
        np.testing.assert_array_equal(labels, whole)


@pytest.mark.parametrize("seed", range(3))
def test_a_halo_that_is_too_small_leaves_a_label_to_each_pixel(seed: int) -> None:
    truth = ellipses(seed, (1500, 90), 60, 60)
    maps = unsure_maps(truth, seed, 0.02)
    whole = decode(maps, SETTINGS)
    assert _tallest(whole) > 50
    _, labels = _together(decode_bands(_cut(maps, _every(1500, 64)), SETTINGS, 5))
    assert (labels > 0)[whole > 0].mean() > 0.95
    first = np.unique(labels, return_index=True)[1]
    assert (np.diff(first[1:]) > 0).all()
    assert labels.max() == len(first) - 1


def test_parts_come_before_the_end() -> None:
    maps = unsure_maps(ellipses(0, (4000, 30), 900, 7), 0, 0)
    given = 0

    def some() -> Iterator[Maps]:
        nonlocal given
        for band in _cut(maps, _every(4000, 50)):
            given += band.shape[1]
            yield band

    answered = 0
    for _, labels in decode_bands(some(), SETTINGS, 20):
        answered += len(labels)
        assert given - answered <= ROWS
    assert answered == 4000


def test_memory_is_that_of_a_view_whatever_the_height() -> None:
    tile = unsure_maps(ellipses(0, (500, 200), 900, 7), 0, 0.05)

    def peak(tiles: int) -> int:
        tracemalloc.start()
        try:
            for _ in decode_bands((tile for _ in range(tiles)), SETTINGS, 20):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(3), peak(15)
    assert many < 1.1 * few
    # Of a view of 512 rows: the maps thrice, and what the watershed holds.
    assert many < 120 * ROWS * 200


def test_no_bands_no_parts() -> None:
    assert list(decode_bands([], SETTINGS, 10)) == []
    assert list(decode_bands([np.zeros((3, 0, 8), np.float32)], SETTINGS, 10)) == []


def test_a_halo_is_at_least_one_row() -> None:
    with pytest.raises(ValueError, match="at least 1 row, got 0"):
        next(decode_bands([], SETTINGS, 0))


@pytest.mark.parametrize("halo", [1, 75, 10**9])
def test_an_image_that_memory_holds_is_decoded_whole(halo: int) -> None:
    maps = np.zeros((3, 1024, 256), np.float32)
    maps[0, 60:960, 40:190] = 1
    maps[2, 60:100, 40:190] = 1  # its seed is far from its end
    whole = decode(maps, SETTINGS)
    assert (whole > 0).sum() == 135_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bands, "view_rows", view_rows)
        _, labels = _together(decode_bands(_cut(maps, _every(1024, 64)), SETTINGS, halo))
    np.testing.assert_array_equal(labels, whole)


def test_a_view_of_a_wide_image_is_bounded_and_of_a_high_halo_holds_it() -> None:
    assert view_rows(128, 20_000) * 20_000 <= 10**7
    assert view_rows(1000, 20_000) == 3 * (1000 + BLUR)
    assert view_rows(1, 2048) >= 2048
    assert view_rows(1, 0) > 0


def test_what_is_kept_grows_with_the_rows_that_come() -> None:
    tile = np.zeros((3, 100, 200), np.float32)

    def peak(halo: int) -> int:
        tracemalloc.start()
        try:
            list(decode_bands([tile] * 5, SETTINGS, halo))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(10**6) < 1.2 * peak(200)
