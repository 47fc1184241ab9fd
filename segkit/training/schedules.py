"""Learning-rate schedules, each as the Trainer wants it: a scheduler and when to step it."""

import math
from typing import Any, Literal, SupportsFloat

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR, ReduceLROnPlateau

from segkit.core.errors import SegkitError

Schedule = dict[str, Any]
# What Lightning's LearningRateMonitor calls the rate, on its axis of steps; `lr` is by epoch.
BY_STEP = "lr/step"
# A training that is bounded by time alone has no known number of steps: None.


def plateau(
    optimizer: Optimizer,
    *,
    total_steps: int | None,
    monitor: str,
    mode: Literal["min", "max"],
    factor: float,
    patience: int,
    min_lr: float,
) -> Schedule:
    """Multiply the rate by ``factor`` when more than ``patience`` epochs bring no better score.

    That is torch's way of counting; Keras' ``patience`` of 3 is 2 here.
    """
    del total_steps
    scheduler = ReduceLROnPlateau(
        optimizer, mode=mode, factor=factor, patience=patience, min_lr=min_lr
    )
    return {
        "scheduler": scheduler,
        "monitor": monitor,
        "interval": "epoch",
        "name": BY_STEP,
        "strict": False,
    }


def tells(scheduler: ReduceLROnPlateau, score: SupportsFloat | None, *, late: bool) -> bool:
    """Whether an epoch's score says that training goes on well, or does not.

    One that is undefined is neither better nor worse.

    Args:
        scheduler: that would be told.
        score: of the epoch, or None.
        late: whether scores stay at 0 for a while though the loss falls, as those of objects do,
            which appear when their insides are learnt; until they have risen they tell nothing.
    """
    value = math.nan if score is None else float(score)
    waits = late and waits_to_rise(scheduler.mode, value, float(scheduler.best))
    return math.isfinite(value) and not waits


def waits_to_rise(mode: str, *scores: float) -> bool:
    """Whether none of the scores has risen above 0, where higher is better."""
    return mode == "max" and not any(score > 0 for score in scores)


def cosine(
    optimizer: Optimizer, *, total_steps: int | None, warmup: float, min_factor: float
) -> Schedule:
    """Rise linearly over ``warmup`` (0…1 of all steps), then fall along half a cosine.

    The rate ends at ``min_factor`` of its peak (Loshchilov and Hutter 2017, without restarts).
    """
    steps = _known(total_steps)
    rise = round(warmup * steps)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        way = min(1.0, (step - rise) / max(1, steps - rise))
        return min_factor + (1 - min_factor) * 0.5 * (1 + math.cos(math.pi * way))

    return {"scheduler": LambdaLR(optimizer, factor), "interval": "step", "name": BY_STEP}


def one_cycle(
    optimizer: Optimizer, *, total_steps: int | None, warmup: float, start_factor: float
) -> Schedule:
    """Rise from ``start_factor`` of the rate over ``warmup`` (0…1), then fall to next to nothing.

    Smith and Topin 2018; momentum is cycled the other way.
    """
    peaks = [group["lr"] for group in optimizer.param_groups]
    scheduler = OneCycleLR(
        optimizer,
        max_lr=peaks,
        total_steps=_known(total_steps),
        # torch divides by the length of rise and fall, and one step has none.
        pct_start=warmup * (1 - 1e-9),
        div_factor=1 / start_factor,
    )
    return {"scheduler": scheduler, "interval": "step", "name": BY_STEP}


def constant(optimizer: Optimizer, *, total_steps: int | None) -> Schedule:
    """Leave the rate as it is."""
    del total_steps
    return {"scheduler": LambdaLR(optimizer, lambda _: 1.0), "interval": "epoch", "name": BY_STEP}


def _known(total_steps: int | None) -> int:
    if total_steps is None:
        raise SegkitError(
            "this schedule needs to know when training ends",
            where="schedule, trainer.max_epochs",
            remedy="set trainer.max_epochs or trainer.max_steps, or use schedule=plateau",
        )
    return max(1, total_steps)  # trainer.max_epochs=0 takes no step
