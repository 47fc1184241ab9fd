"""Images that continue each other, cut from fields that the tests draw, among strangers."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.audit import adjoining
from segkit.audit.adjoining import borders, find_joins
from segkit.data.readers.phantom import KINDS, draw_nuclei

Picture = NDArray[Any]
SIDE = 128


def field(seed: int) -> NDArray[np.uint8]:
    """Blobs a few pixels wide, and noise."""
    rng = np.random.default_rng(seed)
    blobs = cv2.GaussianBlur(rng.normal(0, 1, (2 * SIDE, 2 * SIDE)), (0, 0), 4)
    pixels = 100 + 40 * blobs / blobs.std() + rng.normal(0, 2, blobs.shape)
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


def nuclei(seed: int, kind: str) -> NDArray[np.uint8]:
    """Half as noisy as drawn."""
    drawn = draw_nuclei(np.random.default_rng(seed), kind=kind, size=4 * SIDE)[0]
    return np.asarray(cv2.resize(drawn, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def quarters(image: Picture) -> list[Picture]:
    """Upper left, upper right, lower left, lower right."""
    return [image[y : y + SIDE, x : x + SIDE] for y in (0, SIDE) for x in (0, SIDE)]


def strangers(count: int) -> list[Picture]:
    """A quarter each of as many other fields."""
    return [quarters(field(100 + seed))[seed % 4] for seed in range(count)]


def joins(images: list[Picture]) -> list[tuple[int, int, int, int]]:
    found = find_joins([borders(image) for image in images])
    assert all(join.adjoins and join.correlation >= 0.5 for join in found)
    return [(join.first, join.second, join.row, join.column) for join in found]


SQUARE = [(0, 1, 0, SIDE), (0, 2, SIDE, 0), (1, 3, SIDE, 0), (2, 3, 0, SIDE)]


@pytest.mark.parametrize("colours", [1, 3])
def test_the_quarters_of_a_field_are_found_among_strangers(colours: int) -> None:
    for seed in range(6):
        images = [*quarters(field(seed)), *strangers(20)]
        if colours == 3:
            images = [np.repeat(image[..., None], 3, axis=2) for image in images]
        assert joins(images) == SQUARE


def test_a_larger_mosaic_is_found_in_any_order() -> None:
    whole = field(7)
    step = SIDE // 2
    tiles = {
        (y, x): whole[y : y + step, x : x + step]
        for y in range(0, 256, 64)
        for x in range(0, 256, 64)
    }
    order = [list(tiles)[i] for i in np.random.default_rng(0).permutation(16)]
    found = {(order[a], order[b]) for a, b, *_ in joins([tiles[place] for place in order])}
    beside = {((y, x), (y, x + step)) for y, x in tiles if x + step < 256}
    below = {((y, x), (y + step, x)) for y, x in tiles if y + step < 256}
    assert found == beside | below


@pytest.mark.parametrize("kind", KINDS)
def test_few_nuclei_on_the_border_join_no_strangers(kind: str) -> None:
    """One alike nucleus at the same height is not enough."""
    for start in (0, 100):
        fields = [quarters(nuclei(start + seed, kind)) for seed in range(12)]
        images = [tile for tiles in fields for tile in tiles]
        found = joins(images)
        true = {
            (4 * n + a, 4 * n + b, row, column) for n in range(12) for a, b, row, column in SQUARE
        }
        assert set(found) <= true
        assert len(found) >= 4  # the others have next to nothing on their borders, and noise


def test_two_images_alone_are_told_apart_from_two_that_adjoin() -> None:
    one, other, *_ = quarters(field(3))
    assert joins([one, other]) == [(0, 1, 0, SIDE)]
    assert joins([other, one]) == [(1, 0, 0, SIDE)]
    assert joins(strangers(2)) == []


def test_deep_pixels_are_compared_as_they_are_stored() -> None:
    """Each tile was scaled to 8 bits by itself, which makes a step where there is none."""
    deep = field(1).astype(np.uint16) * 200 + 5000
    stored = quarters(deep)
    scaled = [np.rint(255.0 * (q - q.min()) / np.ptp(q)).astype(np.uint8) for q in stored]
    found = find_joins([borders(s, q) for s, q in zip(scaled, stored, strict=True)])
    assert [(j.first, j.second, j.row, j.column) for j in found] == SQUARE
    kept = borders(scaled[0], stored[0])
    assert kept.left.dtype == np.uint16
    np.testing.assert_array_equal(kept.left, stored[0][:, :2].T)
    np.testing.assert_array_equal(kept.right, stored[0][:, :-3:-1].T)
    np.testing.assert_array_equal(kept.top, stored[0][:2])
    np.testing.assert_array_equal(kept.bottom, stored[0][:-3:-1])
    assert kept.size == (SIDE, SIDE)


def test_floats_have_no_unit_so_their_8_bits_are_compared() -> None:
    image = field(1)
    kept = borders(image, image.astype(np.float32) / 255)
    assert kept.left.dtype == np.uint8


def test_a_frame_a_caption_and_black_borders_join_nothing() -> None:
    framed = []
    for stranger in strangers(12):
        image = stranger.copy()
        image[:6] = image[-6:] = image[:, :6] = image[:, -6:] = 0
        image[SIDE - 6 :, 20:60:4] = 255  # burnt in below, the same everywhere
        image[:6, 20:60:4] = 255
        framed.append(image)
    assert joins(framed) == []
    assert joins([np.full((SIDE, SIDE), value, np.uint8) for value in (0, 0, 90)]) == []


def test_moments_of_a_series_do_not_join_everything_with_everything() -> None:
    rng = np.random.default_rng(0)
    series = []
    for _ in range(5):
        noisy = field(2).astype(float) + rng.normal(0, 2, (2 * SIDE, 2 * SIDE))
        series += quarters(np.clip(noisy, 0, 255).astype(np.uint8))[:2]
    assert joins(series) == []


def test_only_images_of_one_size_are_compared_and_not_too_many_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other, *rest = quarters(field(0))
    assert joins([one, other[:, :100]]) == []
    assert joins([one[:16], other[:16]]) == []
    monkeypatch.setattr(adjoining, "MOST_IMAGES", 3)
    assert joins([one, other, *rest]) == []
    assert joins([one, other, rest[0]]) != []


def test_blocks_of_the_search_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [*quarters(field(4)), *strangers(9)]
    whole = find_joins([borders(image) for image in images])
    monkeypatch.setattr(adjoining, "_BLOCK", 40)
    parts = find_joins([borders(image) for image in images])
    assert [replace(j, correlation=0) for j in parts] == [replace(j, correlation=0) for j in whole]
    assert whole
