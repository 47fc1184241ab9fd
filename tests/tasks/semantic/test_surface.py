"""Distances between outlines: closed forms, and every pixel against every other."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from segkit.tasks.semantic.surface import SurfaceTally, surface_scores

Mask = NDArray[np.bool_]


def blank(*size: int) -> Mask:
    return np.zeros(size or (20, 30), np.bool_)


def rectangle(top: int, left: int, high: int, wide: int) -> Mask:
    mask = blank()
    mask[top : top + high, left : left + wide] = True
    return mask


def test_the_same_masks_are_perfect() -> None:
    mask = rectangle(3, 4, 8, 9)
    assert surface_scores(mask, mask, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("tolerance", "expected"), [(4.9, 0.0), (5, 1.0)])
def test_two_pixels(tolerance: float, expected: float) -> None:
    """Three rows and four columns apart."""
    pair = surface_scores(rectangle(2, 2, 1, 1), rectangle(5, 6, 1, 1), tolerance)
    assert pair == (5.0, expected)


@pytest.mark.parametrize("shift", [1, 3])
def test_a_shifted_line(shift: int) -> None:
    here, there = rectangle(5, 4, 1, 12), rectangle(5 + shift, 4, 1, 12)
    assert surface_scores(here, there, shift) == (shift, 1.0)
    assert surface_scores(here, there, shift - 1) == (shift, 0.0)


def test_a_shifted_square() -> None:
    """Of 10 pixels, moved by 2: only the ends that stick out are off, by 1 and by 2 pixels."""
    here, there = rectangle(5, 5, 10, 10), rectangle(5, 7, 10, 10)
    # Each surface has 36 pixels. Outside the other lie 2 columns at the side: the outer one has
    # 10 pixels at distance 2, the inner one its two ends at distance 1. Of the side that lies
    # within, the 8 pixels between the corners are at distance 2 from the parallel side or nearer
    # to the top and bottom: 1, 2, 2, 2, 2, 2, 2, 1.
    distances = [0] * (36 - 10 - 2 - 8) + [2] * 10 + [1] * 2 + [1, 2, 2, 2, 2, 2, 2, 1]
    hd95, within_one = surface_scores(here, there, 1)
    assert hd95 == float(np.percentile(distances, 95)) == 2
    assert within_one == pytest.approx(np.mean(np.array(distances) <= 1))
    assert surface_scores(here, there, 2)[1] == 1
    assert surface_scores(there, here, 1) == (hd95, within_one)


def test_concentric_squares() -> None:
    """Sides 3 apart: along them 3, at the outer corners 3√2."""
    outer, inner = rectangle(2, 2, 15, 15), rectangle(5, 5, 9, 9)
    hd95, share = surface_scores(outer, inner, 3)
    # Of 56 outer pixels the 9 · 4 opposite a side are 3 away; the 5 round each corner more, the
    # corner itself most. Rank 0.95 · 55 = 52.25 of the sorted ones, from 0, is among the corners.
    assert share == pytest.approx((9 * 4 + 32) / (56 + 32))
    round_corners = [(1, 8), (2, 8), (3, 4)]
    forth = [3.0] * 36 + [math.hypot(3, k) for k, count in round_corners for _ in range(count)]
    assert hd95 == pytest.approx(np.percentile(forth, 95))
    assert hd95 == pytest.approx(math.hypot(3, 3))


def brute_force(prediction: Mask, truth: Mask, tolerance: float) -> tuple[float, float]:
    surfaces = []
    for mask in (prediction, truth):
        padded = np.pad(mask, 1)
        within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        surfaces.append(np.argwhere(mask & ~within))
    apart = cdist(*surfaces)
    forth, back = apart.min(axis=1), apart.min(axis=0)
    near = np.concatenate([forth, back]) <= tolerance
    return max(np.percentile(forth, 95), np.percentile(back, 95)), float(near.mean())


@pytest.mark.parametrize("seed", range(6))
def test_against_every_pair_of_pixels(seed: int) -> None:
    """Masks of random blocks, also along the image's edge."""
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(2):
        mask = blank(31, 44)
        for _ in range(4):
            top, left = rng.integers(-3, 28), rng.integers(-3, 40)
            mask[max(0, top) : top + rng.integers(4, 12), max(0, left) : left + 9] = True
        masks.append(mask)
    found = surface_scores(masks[0], masks[1], 2)
    assert found == pytest.approx(brute_force(masks[0], masks[1], 2))


def test_a_missed_or_invented_object_is_penalised() -> None:
    mask = rectangle(3, 4, 8, 9)
    diagonal = math.hypot(20, 30)
    assert surface_scores(blank(), mask, 2) == (diagonal, 0)
    assert surface_scores(mask, blank(), 2) == (diagonal, 0)
    # Worse than anything that was drawn, however far off.
    assert surface_scores(rectangle(19, 29, 1, 1), rectangle(0, 0, 1, 1), 2)[0] < diagonal


def test_nothing_on_either_side_is_undefined() -> None:
    assert np.isnan(surface_scores(blank(), blank(), 2)).all()


def test_sizes_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="against truth"):
        surface_scores(blank(3, 4), blank(4, 3), 2)


def test_the_tally_scores_each_class_of_each_image() -> None:
    tally = SurfaceTally(classes=3, tolerance=1)
    truth, prediction = np.zeros((20, 30), np.uint8), np.zeros((20, 30), np.uint8)
    truth[rectangle(5, 5, 1, 6)] = 1
    prediction[rectangle(8, 5, 1, 6)] = 1
    logits = torch.zeros(3, 20, 30)
    tally.watch(7, logits, torch.from_numpy(prediction), torch.from_numpy(truth))
    tally.watch(2, logits, torch.from_numpy(truth), torch.from_numpy(truth))
    found = tally.finish()
    np.testing.assert_array_equal(found[7], [[3, 0], [np.nan, np.nan]])
    np.testing.assert_array_equal(found[2], [[0, 1], [np.nan, np.nan]])
