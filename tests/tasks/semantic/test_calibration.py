"""Expected calibration error: by hand, and against a count of every pixel."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from segkit.tasks.semantic.calibration import BINS, Calibration, CalibrationTally


def calibrated(logits_KHW: Tensor, truth_HW: Tensor, *, parts: int = 1) -> Calibration:
    tally = CalibrationTally()
    rows = len(truth_HW) // parts
    for part in range(parts):
        cut = slice(part * rows, (part + 1) * rows)
        piece = logits_KHW[:, cut]
        tally.watch(part, piece, torch.zeros(1), truth_HW[cut])
    return tally.finish()


def test_a_sure_network_that_is_right_half_the_time() -> None:
    """One bin of confidence 0.9, half of it foreground: an error of 0.4."""
    logits = torch.full((1, 4, 10), math.log(9))
    truth = torch.zeros(4, 10, dtype=torch.uint8)
    truth[:2] = 1
    found = calibrated(logits, truth)
    assert found.ece == pytest.approx(0.4, abs=1e-5)
    assert found.pixels.tolist() == [0] * 13 + [40, 0]
    assert found.accuracy[13] == 0.5
    assert np.isnan(found.accuracy[:13]).all()


def test_probabilities_that_hold_have_no_error() -> None:
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(400, 500, generator=generator)
    truth = (torch.rand(400, 500, generator=generator) < probability).to(torch.uint8)
    found = calibrated(torch.logit(probability)[None], truth)
    assert found.ece < 0.01
    assert calibrated(torch.logit(probability)[None], 1 - truth).ece > 0.4


@pytest.mark.parametrize("classes", [1, 4])
def test_against_a_count_of_every_pixel(classes: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    logits = 3 * torch.randn(classes, 60, 80, generator=generator)
    truth = torch.randint(0, max(2, classes), (60, 80), generator=generator).to(torch.uint8)
    if classes == 1:
        probability, right = logits[0].sigmoid().numpy(), (truth == 1).numpy()
    else:
        probability = logits.softmax(dim=0).amax(dim=0).numpy()
        right = (logits.argmax(dim=0) == truth).numpy()
    expected = 0.0
    for m in range(BINS):
        inside = (probability > m / BINS) & (probability <= (m + 1) / BINS)
        if inside.any():
            gap = abs(right[inside].mean() - probability[inside].mean())
            expected += gap * inside.mean()
    for parts in (1, 3):
        assert calibrated(logits, truth, parts=parts).ece == pytest.approx(expected, abs=2e-5)


def test_certainty_falls_into_the_outer_bins() -> None:
    logits = torch.tensor([[[-200.0, 200.0]]])
    found = calibrated(logits, torch.tensor([[0, 1]], dtype=torch.uint8))
    assert found.pixels[[0, -1]].tolist() == [1, 1]
    assert found.ece == pytest.approx(0, abs=1e-5)


def test_any_batches_give_the_same_integers() -> None:
    logits = torch.randn(1, 60, 8, generator=torch.Generator().manual_seed(0))
    truth = (logits[0] > 0.3).to(torch.uint8)
    whole, parts = calibrated(logits, truth), calibrated(logits, truth, parts=6)
    assert whole.ece == parts.ece
    assert whole.pixels.tolist() == parts.pixels.tolist()


def test_without_a_pixel_there_is_no_error_to_speak_of() -> None:
    assert math.isnan(CalibrationTally().finish().ece)
