"""What a network is to give: a logit for the foreground, or one for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from segkit.core.contracts import Batch

if TYPE_CHECKING:
    from segkit.tasks.semantic.task import SemanticTask


class SemanticObjective:
    """The loss compares logits with class indices.

    Args:
        task: its classes.
    """

    def __init__(self, task: SemanticTask) -> None:
        self.outputs = 1 if task.binary else len(task.classes)
        self.core_outputs = 2 if task.two_logits else self.outputs

    def target(self, batch: Batch) -> Tensor:
        """(B, H, W) uint8 class indices."""
        return batch["mask_BHW"]

    def example(self, shape_BHW: tuple[int, ...], device: Any = None) -> Tensor:
        """Background."""
        return torch.zeros(shape_BHW, dtype=torch.uint8, device=device)
