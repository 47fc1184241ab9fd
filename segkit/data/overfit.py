"""A few batches, trained and validated on: whether a network can learn anything at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from segkit.data.cache import Cache
from segkit.data.datamodule import SegmentationData
from segkit.data.dataset import ShuffledSampler


class OverfitData(SegmentationData):
    """Trains on the same batches in every epoch, and validates on their images.

    It stands in for the Trainer's own ``overfit_batches``, which would put an order of its own in
    place of segkit's, over records of every split. The split, and the test, stay as they are.

    Args:
        batches: how many of ``batch_size`` images, over all processes together; a float is a
            share of the training images, 0…1.
        settings: of :class:`SegmentationData`; its batch size is known.
    """

    def __init__(self, *, batches: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.batches = batches
        self._few: list[int] = []

    def indices(self, stage: str) -> list[int]:
        """Positions of one split; of ``train`` and ``val`` the few that are trained on."""
        if stage not in ("train", "val"):
            return super().indices(stage)
        if not self._few:
            training = super().indices("train")
            share = isinstance(self.batches, float)
            count = self.batches * (len(training) if share else self.batch_size)
            ids = [record.id for record in self.records]
            self._few = few(training, max(1, int(count)), ids, self.cache, self.seed)
        return self._few

    def train_dataloader(self) -> DataLoader[Any]:
        """As ever, but in one order."""
        loader = super().train_dataloader()
        sampler = getattr(loader.sampler, "sampler", loader.sampler)
        assert isinstance(sampler, ShuffledSampler)
        sampler.shuffle = False
        return loader


def few(
    indices: Sequence[int], count: int, ids: Sequence[str], cache: Cache, seed: int
) -> list[int]:
    """Positions of so many training images, drawn by the seed; those with something to find first.

    Args:
        indices: of the training images.
        count: how many are wanted.
        ids: of the records, by position.
        cache: holds the masks; no more of them are looked at than it takes.
        seed: of the run.
    """
    found: list[int] = []
    empty: list[int] = []
    for index in np.random.default_rng((seed, 0)).permutation(indices).tolist():
        if len(found) == count:
            break
        (found if cache.mask(ids[index]).any() else empty).append(index)
    return (found + empty)[:count]
