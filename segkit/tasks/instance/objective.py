"""What a network is to give of objects: three planes, a logit each."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segkit.core.contracts import Batch
from segkit.tasks.instance.targets import PLANES, encode


class InstanceObjective:
    """Foreground, contact and distance; :mod:`segkit.tasks.instance.targets` says what they are."""

    core_outputs = outputs = len(PLANES)
    reduce: Callable[[Tensor], Tensor] | None = None

    def target(self, batch: Batch) -> Tensor:
        """(B, 3, H, W) float32, 0…1: as the loaders made it, or else made of the labels now."""
        if "target" in batch:
            return batch["target"]
        labels_BHW = batch["mask_BHW"]
        planes = np.stack([encode(labels) for labels in labels_BHW.cpu().numpy()])
        return torch.from_numpy(planes).to(labels_BHW.device)

    def example(self, shape_BHW: tuple[int, ...], device: Any = None) -> Tensor:
        """Background."""
        return torch.zeros((shape_BHW[0], self.outputs, *shape_BHW[1:]), device=device)
