"""Learning-rate schedules against their closed forms."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from segkit.core.errors import SegkitError
from segkit.training.schedules import Schedule, constant, cosine, one_cycle, plateau, tells

PEAK = 0.1


def optimizer() -> torch.optim.SGD:
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=PEAK, momentum=0.9)


def rates(schedule: Schedule, steps: int, scores: list[float] | None = None) -> list[float]:
    """The rate that each step is taken with, as the Trainer steps the scheduler."""
    scheduler: Any = schedule["scheduler"]
    used = []
    for number in range(steps):
        used.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step() if scores is None else scheduler.step(scores[number])
    return used


def test_constant() -> None:
    assert rates(constant(optimizer(), total_steps=None), 5) == [PEAK] * 5


def test_plateau_falls_after_the_patience() -> None:
    schedule = plateau(
        optimizer(),
        total_steps=None,
        monitor="val/dice",
        mode="max",
        factor=0.5,
        patience=2,
        min_lr=0.03,
    )
    assert schedule["monitor"] == "val/dice"
    assert schedule["interval"] == "epoch"
    # Two epochs without improvement are borne, the third reduces the rate; never below min_lr.
    scores = [0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    expected = [PEAK] * 5 + [0.05] * 4 + [0.03] * 3
    assert rates(schedule, 12, scores) == pytest.approx(expected)


def test_a_score_that_has_found_nothing_yet_is_no_plateau() -> None:
    settings: dict[str, Any] = {"factor": 0.5, "patience": 1, "min_lr": 0.0, "monitor": "val/ap"}
    scheduler: Any = plateau(optimizer(), total_steps=None, mode="max", **settings)["scheduler"]
    used = []
    for score in (0.0, 0.0, math.nan, 0.0, None, 0.0, 0.2, 0.0, math.nan, 0.1, 0.1):
        if tells(scheduler, score, late=True):
            scheduler.step(score)
        used.append(scheduler.optimizer.param_groups[0]["lr"])
    # Once something was found, nothing is worse.
    assert used == pytest.approx([PEAK] * 9 + [PEAK / 2] * 2)
    lower: Any = plateau(optimizer(), total_steps=None, mode="min", **settings)["scheduler"]
    assert tells(lower, 0.0, late=True), "no loss is as low as can be"
    assert not tells(lower, math.nan, late=False)
    other: Any = plateau(optimizer(), total_steps=None, mode="max", **settings)["scheduler"]
    assert tells(other, 0.0, late=False)


def test_plateau_knows_where_lower_is_better() -> None:
    settings: dict[str, Any] = {"factor": 0.5, "patience": 0, "min_lr": 0.0, "monitor": "val/loss"}
    falling = plateau(optimizer(), total_steps=None, mode="min", **settings)
    assert rates(falling, 4, [4, 3, 2, 1]) == [PEAK] * 4
    rising = plateau(optimizer(), total_steps=None, mode="min", **settings)
    assert rates(rising, 3, [1, 2, 3]) == pytest.approx([PEAK, PEAK, PEAK / 2])


def test_cosine_is_its_closed_form() -> None:
    total, rise = 100, 20
    schedule = cosine(optimizer(), total_steps=total, warmup=0.2, min_factor=0.1)
    assert schedule["interval"] == "step"
    used = rates(schedule, total + 1)
    for step, rate in enumerate(used):
        if step < rise:
            expected = (step + 1) / rise
        else:
            way = (step - rise) / (total - rise)
            expected = 0.1 + 0.9 * (1 + math.cos(math.pi * way)) / 2
        assert rate == pytest.approx(PEAK * expected)
    assert max(used) == pytest.approx(PEAK)
    assert used[-1] == pytest.approx(PEAK * 0.1)
    assert used[60] == pytest.approx(PEAK * 0.55)  # half way down


def test_cosine_without_warm_up_starts_at_its_peak_and_stays_at_its_end() -> None:
    used = rates(cosine(optimizer(), total_steps=10, warmup=0.0, min_factor=0.01), 15)
    assert used[0] == pytest.approx(PEAK)
    assert used[10:] == pytest.approx([PEAK * 0.01] * 5)


def test_one_cycle_rises_and_falls() -> None:
    total, warmup, start = 40, 0.25, 0.04
    schedule = one_cycle(optimizer(), total_steps=total, warmup=warmup, start_factor=start)
    assert schedule["interval"] == "step"
    used = rates(schedule, total - 1)
    top = int(warmup * total) - 1
    assert used[0] == pytest.approx(start * PEAK)
    assert used[top] == pytest.approx(PEAK)
    for step in range(top + 1):  # half a cosine up
        way = (1 - math.cos(math.pi * step / top)) / 2
        assert used[step] == pytest.approx(PEAK * (start + (1 - start) * way))
    assert used[top:] == sorted(used[top:], reverse=True)
    assert used[-1] < start * PEAK


@pytest.mark.parametrize(("total", "warmup"), [(4, 0.25), (10, 0.1), (8, 0), (8, 1)])
def test_one_cycle_of_any_length_has_its_peak(total: int, warmup: float) -> None:
    """A rise or a fall of a single step was a division by zero."""
    schedule = one_cycle(optimizer(), total_steps=total, warmup=warmup, start_factor=0.04)
    used = rates(schedule, total)
    assert max(used) <= PEAK * (1 + 1e-6)
    if 1 <= warmup * total < total:
        assert max(used) == pytest.approx(PEAK)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda: cosine(optimizer(), total_steps=None, warmup=0.1, min_factor=0.1),
        lambda: one_cycle(optimizer(), total_steps=None, warmup=0.1, start_factor=0.1),
    ],
)
def test_an_unknown_end_is_refused(schedule: Any) -> None:
    with pytest.raises(SegkitError, match="when training ends") as error:
        schedule()
    assert "schedule=plateau" in error.value.remedy
