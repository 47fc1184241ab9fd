"""The best threshold: counts at each are those of scoring with it alone."""

import numpy as np
import pytest
import torch

from segkit.tasks.semantic.decoder import predicted_classes
from segkit.tasks.semantic.metrics import confusion_counts
from segkit.tasks.semantic.thresholds import THRESHOLDS, ThresholdFit, best_threshold


def test_the_thresholds_are_five_hundredths_apart() -> None:
    assert len(THRESHOLDS) == 19
    assert THRESHOLDS[0] == 0.05
    assert THRESHOLDS[9] == 0.5
    assert THRESHOLDS[-1] == 0.95


def test_counts_are_those_of_each_threshold_by_itself() -> None:
    generator = torch.Generator().manual_seed(0)
    tally = ThresholdFit()
    images = {}
    for index, size in ((5, (9, 14)), (1, (20, 3))):
        logits = 2 * torch.randn(1, *size, generator=generator)
        # Also on the very bounds, where > and ≥ differ.
        bounds = torch.tensor(THRESHOLDS, dtype=torch.float64).logit().float()
        logits.view(-1)[:19] = bounds
        truth = torch.randint(0, 2, size, generator=generator).to(torch.uint8)
        images[index] = (logits, truth)
        tally.watch(index, logits, torch.zeros(size), truth)
    indices, counts = tally.finish()
    assert indices == [1, 5]
    for n, index in enumerate(indices):
        logits, truth = images[index]
        for t, threshold in enumerate(THRESHOLDS):
            found = predicted_classes(logits[None], threshold)
            expected = confusion_counts(found, truth[None], 2)[0, 1]
            assert counts[n, t].tolist() == expected.tolist()


def counts_of(dice: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """One image of these Dice by threshold, out of a hundred pixels found or missed."""
    found = np.array([round(100 * d) for d in dice])
    wrong = 2 * (100 - found)
    return np.stack([found, 0 * found, wrong, 0 * found], axis=1).astype(np.int64)


def ramp(peak: int, height: float = 0.9) -> list[float]:
    return [height - 0.02 * abs(t - peak) for t in range(19)]


def test_the_highest_mean_wins() -> None:
    counts = np.stack([counts_of(ramp(5)), counts_of(ramp(5))])
    assert best_threshold(counts, ["a", "b"]) == pytest.approx((THRESHOLDS[5], 0.9))


def test_of_equals_the_one_nearest_to_a_half() -> None:
    flat = np.stack([counts_of([0.7] * 19)])
    assert best_threshold(flat, ["a"])[0] == 0.5
    ends = [0.8, *[0.7] * 16, 0.8, 0.7]
    assert best_threshold(np.stack([counts_of(ends)]), ["a"])[0] == THRESHOLDS[17]


def test_the_mean_is_over_what_is_scored() -> None:
    """Two images for a low threshold, one for a high: which wins depends on the unit."""
    counts = np.stack([counts_of(ramp(2)), counts_of(ramp(2)), counts_of(ramp(16))])
    by_image = best_threshold(counts, ["a", "b", "c"])[0]
    by_group = best_threshold(counts, ["x", "x", "y"])[0]
    assert by_image == THRESHOLDS[2]
    assert THRESHOLDS[2] < by_group < THRESHOLDS[16]


def test_undefined_images_do_not_count() -> None:
    nothing = np.zeros((19, 4), np.int64)
    nothing[:, 3] = 100
    counts = np.stack([counts_of(ramp(5)), nothing])
    assert best_threshold(counts, ["a", "b"]) == pytest.approx((THRESHOLDS[5], 0.9))
    with pytest.raises(ValueError, match="no foreground"):
        best_threshold(nothing[None], ["a"])
    # Dice is 0 where something is drawn, undefined where nothing is: the one is not the better.
    drawn = nothing.copy()
    drawn[:6] = (0, 20, 0, 80)
    with pytest.raises(ValueError, match="no foreground"):
        best_threshold(np.stack([drawn, nothing]), ["a", "b"])


def test_nothing_was_counted() -> None:
    indices, counts = ThresholdFit().finish()
    assert indices == []
    assert counts.shape == (0, 19, 4)
