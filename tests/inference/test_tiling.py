"""Tiles cover every pixel, their weights add up, and no seam is left."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.view import View
from segkit.inference import tiling
from segkit.inference.tiling import Box, blend, starts, weight_sum, window


@pytest.mark.parametrize("length", [1, 7, 8, 9, 13, 14, 20, 100])
def test_tiles_cover_each_pixel_and_none_sticks_out(length: int) -> None:
    begins = starts(length, 8, 3)
    covered = {place for begin in begins for place in range(begin, min(begin + 8, length))}
    assert covered == set(range(length))
    assert len(set(begins)) == len(begins)
    assert length <= 8 or max(begins) + 8 == length
    assert all(b - a <= 5 for a, b in pairwise(begins))


def test_the_weights_are_a_gaussian_of_an_eighth_of_the_tile() -> None:
    weights = window(65, 2)
    assert weights[32] == 1
    assert weights[40] == pytest.approx(np.exp(-0.5 * (8 / (65 / 8)) ** 2))
    assert np.array_equal(weights, weights[::-1])
    assert weights.min() > 0


def test_a_single_tile_is_left_exact() -> None:
    assert np.array_equal(window(5, 1), np.ones(5, np.float32))
    assert np.array_equal(weight_sum(5, 8, 3), np.ones(5, np.float32))


@pytest.mark.parametrize("size", [(40, 53), (5, 40), (40, 5), (16, 16), (17, 3)])
def test_a_linear_field_has_no_seam(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: size[0], : size[1]]
    field = np.stack([rows + 2 * columns, 3 - rows]).astype(np.float32)

    def answer(boxes: list[Box]) -> Iterator[NDArray[np.float32]]:
        return (field[:, box[0], box[1]] for box in boxes)

    bands = list(blend(size, 16, 5, answer))
    tops = np.cumsum([0, *(band.shape[1] for _, band in bands)])
    assert [top for top, _ in bands] == tops[:-1].tolist()
    np.testing.assert_allclose(np.concatenate([b for _, b in bands], axis=1), field, atol=1e-4)


def test_a_band_is_no_higher_than_a_wide_image_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    field = np.random.default_rng(0).random((2, 40, 53), np.float32)

    def answer(boxes: list[Box]) -> Iterator[NDArray[np.float32]]:
        return (field[:, box[0], box[1]] for box in boxes)

    whole = np.concatenate([band for _, band in blend((40, 53), 16, 5, answer)], axis=1)
    monkeypatch.setattr(tiling, "ROWS", 4)
    bands = list(blend((40, 53), 16, 5, answer))
    assert max(band.shape[1] for _, band in bands) == 4
    np.testing.assert_array_equal(np.concatenate([band for _, band in bands], axis=1), whole)


def test_neighbours_are_weighted_and_not_cut() -> None:
    """Two tiles of 0 and 1: the mean follows their windows, from one to the other."""
    values = iter([0.0, 1.0])

    def answer(boxes: list[Box]) -> Iterator[NDArray[np.float32]]:
        for _ in boxes:
            yield np.full((1, 1, 8), next(values), np.float32)

    ((_, band),) = blend((1, 12), 8, 4, answer)
    left, right = window(8, 2)[4:], window(8, 2)[:4]
    np.testing.assert_allclose(band[0, 0, 4:8], right / (left + right), rtol=1e-6)
    assert band[0, 0, :4].max() == 0
    assert band[0, 0, 8:].min() == 1


def test_a_tile_within_the_overlap_is_refused() -> None:
    with pytest.raises(ValueError, match="8"):
        starts(20, 8, 8)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"tile": 64, "overlap": 64}, "overlap=64"),
        ({"tile": 64, "overlap": -1}, "overlap=-1"),
        ({"tile": 512, "scale": 0.0}, "scale=0"),
        ({"scale": 0.5}, "tile=null"),
        ({"tta": "flips"}, "tta"),
        ({"tta": True}, "tta"),
        ({"tile": "abc"}, "tile=abc"),
        ({"tile": 512.0}, "tile=512.0"),
        ({"tile": True, "overlap": 0}, "tile=true"),
        ({"overlap": None}, "overlap=null"),
        ({"tile": 512, "scale": "x"}, "scale=x"),
    ],
)
def test_views_that_make_no_sense_are_refused(settings: dict[str, object], where: str) -> None:
    with pytest.raises(SegkitError) as caught:
        View(**settings)  # type: ignore[arg-type]
    assert where in caught.value.where


def test_numbers_of_numpy_are_numbers() -> None:
    assert View(np.int64(512), scale=np.float32(0.5)).tile == 512  # type: ignore[arg-type]
