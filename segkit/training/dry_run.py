"""A first step on nothing."""

from collections.abc import Mapping
from typing import Any

import torch

from segkit.core.errors import SegkitError
from segkit.training.module import SegmentationModule


def dry_run(module: SegmentationModule, trainer: Mapping[str, Any]) -> None:
    """Find out before a run folder is made what would otherwise fail at the first step.

    Args:
        module: with fresh weights.
        trainer: its configuration.

    Raises:
        SegkitError: an argument of optimiser, schedule or loss does not fit.
    """
    endless = trainer["max_epochs"] == -1 and trainer["max_steps"] == -1
    objective = module.task.objective
    outputs_BKHW = torch.zeros(1, objective.outputs, 8, 8)
    try:
        optimizer = module.optimizer(module.network.parameters())
        module.schedule(optimizer, total_steps=None if endless else 1000)
        with torch.no_grad():
            module.loss(outputs_BKHW, objective.example((1, 8, 8)))
    except (TypeError, ValueError) as error:
        raise SegkitError(
            f"an argument does not fit: {error}",
            where="optim, schedule, loss",
            remedy="--cfg job shows what they are given; the YAML files say what that may be. A "
            f"task learns by its own loss (conf/task/{module.task.name}.yaml): leave loss= out",
        ) from error
