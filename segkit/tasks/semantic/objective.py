"""What a network is to give: a logit for the foreground, or one for each class."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from segkit.core.contracts import Batch


class SemanticObjective:
    """The loss compares logits with class indices.

    Args:
        classes: names, background first.
        two_logits: whether the network of a binary task has one for the background, too.
    """

    def __init__(self, classes: Sequence[str], *, two_logits: bool) -> None:
        self.outputs = 1 if len(classes) == 2 else len(classes)
        self.core_outputs = 2 if two_logits else self.outputs
        self.reduce: Callable[[Tensor], Tensor] | None = difference if two_logits else None

    def target(self, batch: Batch) -> Tensor:
        """(B, H, W) uint8 class indices."""
        return batch["mask_BHW"]

    def example(self, shape_BHW: tuple[int, ...], device: Any = None) -> Tensor:
        """Background."""
        return torch.zeros(shape_BHW, dtype=torch.uint8, device=device)


def difference(logits_B2HW: Tensor) -> Tensor:
    """One logit (B, 1, H, W) float32 of background and foreground.

    Its sigmoid is the softmax of the two, and its binary cross entropy theirs, so that scores,
    thresholds and export know one kind of binary task.
    """
    # The difference of two large numbers in 16 bits would be off by more than either.
    return logits_B2HW[:, 1:].float() - logits_B2HW[:, :1].float()
