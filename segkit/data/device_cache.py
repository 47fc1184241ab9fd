"""The training images in the memory of the device, and augmented there, image by image."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler
from torchvision import tv_tensors
from torchvision.transforms import v2

from segkit.contracts import Batch
from segkit.data.augment import Image, random_crop, sample_seed
from segkit.data.cache import Cache
from segkit.data.loading import Key, ShuffledSampler


class QuarterTurns(v2.Transform):  # type: ignore[misc]  # torchvision has no types
    """One of the eight ways to lay down a square, equally often; of an oblong, one of four."""

    def make_params(self, flat_inputs: list[Tensor]) -> dict[str, int]:
        """Draw how often to turn, and whether to mirror."""
        rows, columns = flat_inputs[0].shape[-2:]
        turns = int(torch.randint(4, ())) if rows == columns else 2 * int(torch.randint(2, ()))
        return {"turns": turns, "mirrored": int(torch.randint(2, ()))}

    def transform(self, inpt: Tensor, params: dict[str, int]) -> Tensor:
        """Turn, then mirror."""
        turned = torch.rot90(inpt, params["turns"], (-2, -1))
        done: Tensor = tv_tensors.wrap(turned.flip(-1) if params["mirrored"] else turned, like=inpt)
        return done


class DeviceAugmentation:
    """torchvision's transforms (version 2), drawn for each image by its own seed.

    Args:
        transforms: applied in order; masks are resampled by the nearest neighbour.
    """

    def __init__(self, *, transforms: Sequence[nn.Module]) -> None:
        self._compose = v2.Compose(list(transforms)) if transforms else None

    def __call__(
        self,
        image: Image,
        mask: Image,
        *,
        seed: int,
        crop: tuple[int, int] | None = None,
        name: str = "",
    ) -> tuple[Image, Image]:
        """Augment one sample on the CPU, as :class:`segkit.data.augment.Augmentation` does."""
        if crop is not None:
            image, mask = random_crop(image, mask, crop, np.random.default_rng(seed), name)
        # Copies: torch wants to be able to write.
        image_CHW = torch.tensor(image.transpose(2, 0, 1))
        drawn, moved = self.draw(image_CHW, torch.tensor(mask), seed=seed)
        return np.ascontiguousarray(drawn.permute(1, 2, 0).numpy()), moved.numpy()

    def draw(self, image_CHW: Tensor, mask_HW: Tensor, *, seed: int) -> tuple[Tensor, Tensor]:
        """Augment one sample. Equal arguments give equal bits on the same device.

        Args:
            image_CHW: uint8; not written to.
            mask_HW: uint8 class indices; not written to.
            seed: what everything is drawn from, 0 … 2^64-1.
        """
        if self._compose is None:
            return image_CHW, mask_HW
        # What is drawn is drawn on the CPU, whatever the pixels lie on.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            image, mask = self._compose(tv_tensors.Image(image_CHW), tv_tensors.Mask(mask_HW))
        return image.as_subclass(Tensor), mask.as_subclass(Tensor)


class DeviceDataset(Dataset[Batch]):
    """All training images on one device; gives whole batches.

    Args:
        cache: holds the pixels, of one size.
        ids: record ids by position.
        indices: positions of the training images.
        augmentation: of each image.
        seed: of the augmentation.
        device: that holds them.
    """

    def __init__(
        self,
        cache: Cache,
        ids: Sequence[str],
        indices: Sequence[int],
        *,
        augmentation: DeviceAugmentation,
        seed: int,
        device: torch.device,
    ) -> None:
        self.ids, self.augmentation, self.seed = list(ids), augmentation, seed
        self.place = {index: place for place, index in enumerate(indices)}
        images_NHWC = torch.stack([torch.tensor(cache.image(self.ids[i])) for i in indices])
        masks_NHW = torch.stack([torch.tensor(cache.mask(self.ids[i])) for i in indices])
        self.images_NCHW = images_NHWC.permute(0, 3, 1, 2).contiguous().to(device)
        self.masks_NHW = masks_NHW.to(device)

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, keys: Sequence[Key]) -> Batch:
        drawn = []
        for epoch, index in keys:
            place = self.place[index]
            seed = sample_seed(self.seed, epoch, self.ids[index])
            image, mask = self.images_NCHW[place], self.masks_NHW[place]
            drawn.append(self.augmentation.draw(image, mask, seed=seed))
        images_BCHW = torch.stack([image for image, _ in drawn])
        return Batch(
            image_BCHW=images_BCHW.contiguous(memory_format=torch.channels_last),
            mask_BHW=torch.stack([mask for _, mask in drawn]),
            index_B=torch.tensor([index for _, index in keys]),
        )


class EpochBatches(Sampler[list[Key]]):
    """Batches of keys; hands the epoch on, which the Trainer tells to what it finds here.

    Args:
        sampler: of single keys.
        batch_size: keys a batch.
        drop_last: leave out a last batch that is not full.
    """

    def __init__(self, sampler: ShuffledSampler, batch_size: int, drop_last: bool) -> None:
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[list[Key]]:
        keys = list(self.sampler)
        for first in range(0, len(self) * self.batch_size, self.batch_size):
            yield keys[first : first + self.batch_size]
