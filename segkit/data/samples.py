"""Samples for anyone's own training loop."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from segkit.core.contracts import SPLITS
from segkit.core.errors import SegkitError, did_you_mean
from segkit.data.dataset import CachedDataset


def known_split(stage: str) -> str:
    """A split's name as it is.

    Raises:
        SegkitError: with the name that may be meant.
    """
    if stage not in (known := (*SPLITS, "all")):
        remedy = did_you_mean(str(stage), known)
        raise SegkitError(f"unknown split {stage!r}", where="as_dataset", remedy=remedy)
    return stage


class Samples(Dataset[dict[str, Tensor]]):
    """A PyTorch dataset whose samples are dictionaries of tensors, all of one size.

    ``image`` is (C, H, W) uint8, 0…255, as segkit's networks take it. ``mask`` is (H, W): class
    indices (uint8), or labels (int32) with ``task="instance"``. ``index`` is the position of the
    sample; its record is ``ids[index]``.

    Example::

        from torch.utils.data import DataLoader

        loader = DataLoader(data.as_dataset("train"), batch_size=8, shuffle=True)

    Args:
        cached: what they are taken from, its augmentation and its crop included.
        ids: of the records, in order.
    """

    def __init__(self, cached: CachedDataset, ids: Sequence[str]) -> None:
        # All come whole, at one size: nothing is left to tiles, or to a mask of another size.
        self._cached = CachedDataset(
            cached.cache,
            ids,
            augmentation=cached.augmentation,
            crop=cached.crop,
            seed=cached.seed,
        )
        self.ids = self._cached.ids
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, which draws the augmentation; the same epoch draws the same again."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        index = range(len(self))[index]  # an IndexError ends a loop
        item = self._cached[self.epoch, index]
        return {
            # Copies: what is cached is mapped, and cannot be written to.
            "image": torch.from_numpy(item["image"].transpose(2, 0, 1).copy()),
            "mask": torch.from_numpy(item["mask"].copy()),
            "index": torch.tensor(index),
        }
