"""Integer counts by record, gathered over an epoch and over all processes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segkit.core.distributed import gather
from segkit.drawing.panel import panel_size
from segkit.imaging.pixels import resize_mask

# Pixels above which a mask is kept as small as it will be drawn.
_LARGE = 2**20


@dataclass(frozen=True, slots=True)
class Counted:
    """What a split came to.

    Attributes:
        indices: positions of the records, ascending, each once.
        counts_NK4: int64, TP, FP, FN, TN of each record and class.
        loss: mean over images, or NaN.
        kept: predicted masks, (H, W) uint8, of the records that were asked for; large ones as
            small as a panel shows them.
    """

    indices: list[int]
    counts_NK4: NDArray[np.int64]
    loss: float
    kept: dict[int, NDArray[np.uint8]]


@dataclass(slots=True)
class Tally:
    """Accumulates on the device; is read once, at the end of the epoch.

    Attributes:
        keep: positions of the records whose predicted masks are kept to be drawn.
    """

    keep: frozenset[int] = frozenset()
    _indices: list[Tensor] = field(default_factory=list)
    _counts: list[Tensor] = field(default_factory=list)
    _losses: list[Tensor] = field(default_factory=list)
    _kept: dict[int, NDArray[np.uint8]] = field(default_factory=dict)

    def add(self, index_B: Tensor, counts_BK4: Tensor, loss: Tensor) -> None:
        """Add one batch; ``loss`` is its mean over images."""
        self._indices.append(index_B)
        self._counts.append(counts_BK4)
        self._losses.append(loss.detach() * len(index_B))

    def keep_masks(self, index_B: Tensor, predictions: Sequence[Tensor]) -> None:
        """Keep those predicted masks of a batch that were asked for."""
        if not self.keep:
            return  # without waiting for the device
        for index, mask in zip(index_B.tolist(), predictions, strict=True):
            if index in self.keep:
                found = mask.cpu().numpy()
                if found.size > _LARGE:
                    found = resize_mask(found, panel_size(found.shape))
                self._kept[index] = found

    def finish(self, classes: int) -> Counted:
        """Join the batches of all processes, in the order of the records, and start anew."""
        empty = np.zeros((0, classes, 4), np.int64)
        indices = torch.cat(self._indices).cpu().numpy() if self._indices else np.zeros(0, np.int64)
        counts = torch.cat(self._counts).cpu().numpy() if self._counts else empty
        losses = torch.stack(self._losses).cpu().tolist() if self._losses else []
        parts = gather((indices, counts, losses, self._kept))
        self._indices, self._counts, self._losses, self._kept = [], [], [], {}
        all_indices = np.concatenate([part[0] for part in parts])
        all_counts = np.concatenate([part[1] for part in parts])
        order = np.argsort(all_indices, kind="stable")
        kept = {index: mask for part in parts for index, mask in part[3].items()}
        # Rounded once: the same in whatever order the processes come.
        total = math.fsum(loss for part in parts for loss in part[2])
        mean = total / len(order) if len(order) else float("nan")
        return Counted(all_indices[order].tolist(), all_counts[order], mean, kept)
