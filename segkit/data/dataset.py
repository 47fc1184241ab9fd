"""From the cache to batches: the data set, its samplers and how samples become a batch."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from segkit.core.contracts import Batch, Truth
from segkit.data.augment import Augmenter, sample_seed
from segkit.data.cache import Cache

# An epoch and a position: persistent workers never see the main process's epoch counter,
# so it travels with each index.
Key = tuple[int, int]


class Item(TypedDict):
    """One sample before collation; see :class:`~segkit.core.contracts.Batch`."""

    image: NDArray[np.uint8]
    mask: Truth
    index: int
    target: NDArray[np.float32] | None
    native: Truth | None


class CachedDataset(Dataset[Item]):
    """Samples from the cache, augmented by a generator of (seed, epoch, record id).

    Args:
        cache: holds the pixels.
        ids: record ids by position.
        augmentation: None for anything but training.
        crop: rows and columns of the random crop, or None.
        seed: of the augmentation.
        native: also give the mask at its own size.
        largest: pixels above which an image is named by its position alone, or None.
        encode: makes the loss's target of the ground truth (H, W), where that is work for loaders.
    """

    def __init__(
        self,
        cache: Cache,
        ids: Sequence[str],
        *,
        augmentation: Augmenter | None = None,
        crop: tuple[int, int] | None = None,
        seed: int = 0,
        native: bool = False,
        largest: int | None = None,
        encode: Callable[[Truth], NDArray[np.float32]] | None = None,
    ) -> None:
        self.cache = cache
        self.ids = list(ids)
        self.augmentation = augmentation
        self.crop = crop
        self.seed = seed
        self.native = native
        self.largest = largest
        self.encode = encode

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: Key) -> Item:
        epoch, index = key
        record_id = self.ids[index]
        if self.largest is not None and self.cache.entries[record_id].pixels > self.largest:
            nothing = np.zeros((0, 0, self.cache.channels), np.uint8)
            mask = np.zeros((0, 0), self.cache.kind)
            return Item(image=nothing, mask=mask, index=index, target=None, native=None)
        image, mask = self.cache.image(record_id), self.cache.mask(record_id)
        if self.augmentation is not None:
            seed = sample_seed(self.seed, epoch, record_id)
            image, mask = self.augmentation(image, mask, seed=seed, crop=self.crop, name=record_id)
        native = self.cache.native_mask(record_id) if self.native else None
        target = None if self.encode is None else self.encode(mask)
        return Item(image=image, mask=mask, index=index, target=target, native=native)


class ShuffledSampler(Sampler[Key]):
    """Every epoch another order, from (seed, epoch) alone; ranks take turns through it.

    With several processes the order is cut to a multiple of their number, so that all take the
    same number of steps. The Trainer calls :meth:`set_epoch`, after a resume too.

    Attributes:
        shuffle: false gives every epoch the order of the positions.
    """

    def __init__(self, indices: Sequence[int], *, seed: int, rank: int, world_size: int) -> None:
        self.indices = np.asarray(indices, np.int64)
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.shuffle = True
        self.epoch = 0
        self._done: dict[int, int] = {}

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def skip(self, epoch: int, keys: int) -> None:
        """Leave out the first keys of an epoch: a resumed run has used them."""
        self._done[epoch] = keys

    def __len__(self) -> int:
        return len(self.indices) // self.world_size

    def __iter__(self) -> Iterator[Key]:
        order = self.indices
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(order)
        whole = order[: len(self) * self.world_size]
        mine = whole[self.rank :: self.world_size][self._done.get(self.epoch, 0) :]
        return iter([(self.epoch, int(index)) for index in mine])


class OrderedSampler(Sampler[Key]):
    """Every record once, over all processes together; none is repeated to even them out.

    Processes take turns by whole batches, where there is one for each: batches are then the same
    however many processes there are, and so is the loss of each.
    """

    def __init__(
        self, indices: Sequence[int], *, rank: int, world_size: int, batch_size: int = 1
    ) -> None:
        order = list(indices)
        share = max(1, min(batch_size, len(order) // world_size))  # none has nothing to do
        starts = range(rank * share, len(order), world_size * share)
        self.indices = [i for start in starts for i in order[start : start + share]]

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Key]:
        return iter([(0, index) for index in self.indices])


def collate(items: Sequence[Item]) -> Batch:
    """Stack samples of one size; the images come out channels-last without a copy."""
    images_BHWC = torch.from_numpy(np.stack([item["image"] for item in items]))
    batch = Batch(
        image_BCHW=images_BHWC.permute(0, 3, 1, 2),
        mask_BHW=torch.from_numpy(np.stack([item["mask"] for item in items])),
        index_B=torch.tensor([item["index"] for item in items]),
    )
    targets = [item["target"] for item in items if item["target"] is not None]
    if targets:
        batch["target"] = torch.from_numpy(np.stack(targets))
    native = [item["native"] for item in items]
    if all(mask is not None for mask in native):
        batch["native"] = [torch.from_numpy(mask) for mask in native]
    return batch
