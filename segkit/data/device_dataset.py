"""The training images in the memory of the device, and augmented there, a batch at once."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from segkit.core.contracts import Batch, Truth
from segkit.data.augment import Image, random_crop, sample_seed
from segkit.data.cache import Cache
from segkit.data.dataset import Key

Pixels = tuple[Tensor, Tensor]


class BatchTransform(Protocol):
    """Draws for each image by itself, on the CPU; acts on all of them at once, on the device."""

    def draw(self, generator: np.random.Generator, *, square: bool) -> Any:
        """What to do to one image."""

    def apply(self, image_BCHW: Tensor, mask_BHW: Tensor, drawn: Sequence[Any]) -> Pixels:
        """Do it to each image of a batch, of the same types; what is given is not written to."""


class QuarterTurns:
    """One of the eight ways to lay down a square, equally often; of an oblong, one of four."""

    def draw(self, generator: np.random.Generator, *, square: bool) -> tuple[int, bool]:
        """How often to turn, and whether to mirror."""
        turns = int(generator.integers(4)) if square else 2 * int(generator.integers(2))
        return turns, bool(generator.integers(2))

    def apply(
        self, image_BCHW: Tensor, mask_BHW: Tensor, drawn: Sequence[tuple[int, bool]]
    ) -> Pixels:
        """Turn, then mirror; images that are laid down alike are moved together."""
        image_BCHW, mask_BHW = image_BCHW.clone(), mask_BHW.clone()
        for turns, mirrored in set(drawn) - {(0, False)}:
            alike = torch.tensor([i for i, one in enumerate(drawn) if one == (turns, mirrored)])
            alike = alike.to(image_BCHW.device)
            for pixels in (image_BCHW, mask_BHW):
                turned = torch.rot90(pixels[alike], turns, (-2, -1))
                pixels[alike] = turned.flip(-1) if mirrored else turned
        return image_BCHW, mask_BHW


class BrightnessContrast:
    """Each value x becomes (1 + contrast) x + 255 brightness, cut at 0 and 255.

    Args:
        brightness: largest shift, as a share of the full range.
        contrast: largest change of the factor.
        p: share of images that are changed.
    """

    def __init__(self, *, brightness: float, contrast: float, p: float) -> None:
        self.brightness, self.contrast, self.p = brightness, contrast, p

    def draw(self, generator: np.random.Generator, *, square: bool) -> tuple[float, float]:
        """Factor and shift."""
        del square
        changed, shift, factor = generator.random(), *generator.uniform(-1, 1, 2)
        if changed >= self.p:
            return 1.0, 0.0
        return 1 + self.contrast * float(factor), 255 * self.brightness * float(shift)

    def apply(
        self, image_BCHW: Tensor, mask_BHW: Tensor, drawn: Sequence[tuple[float, float]]
    ) -> Pixels:
        """Change the images; masks stay."""
        both = torch.tensor(drawn, dtype=torch.float32).to(image_BCHW.device)
        factor, shift = both[:, 0, None, None, None], both[:, 1, None, None, None]
        return (factor * image_BCHW + shift).round().clamp(0, 255).to(torch.uint8), mask_BHW


class DeviceAugmentation:
    """Transforms of whole batches, drawn for each image by its own seed.

    Args:
        transforms: applied in order.
    """

    on_device = True

    def __init__(self, *, transforms: Sequence[BatchTransform]) -> None:
        self.transforms = list(transforms)

    def __call__(
        self,
        image: Image,
        mask: Truth,
        *,
        seed: int,
        crop: tuple[int, int] | None = None,
        name: str = "",
    ) -> tuple[Image, Truth]:
        """Augment one sample on the CPU, as :class:`segkit.data.augment.Augmentation` does."""
        if crop is not None:
            image, mask = random_crop(image, mask, crop, np.random.default_rng(seed), name)
        # Copies: what is given may be a view of a file.
        image_BCHW = torch.tensor(image.transpose(2, 0, 1))[None]
        drawn, moved = self.batch(image_BCHW, torch.tensor(mask)[None], seeds=[seed])
        return np.ascontiguousarray(drawn[0].permute(1, 2, 0).numpy()), moved[0].numpy()

    def batch(self, image_BCHW: Tensor, mask_BHW: Tensor, *, seeds: Sequence[int]) -> Pixels:
        """Augment a batch. Equal pixels and seeds give equal bits, whatever else is in it.

        Args:
            image_BCHW: uint8; not written to.
            mask_BHW: uint8 class indices, or int32 labels; not written to.
            seeds: what each image is drawn from, 0 … 2^64-1.
        """
        generators = [np.random.default_rng(seed) for seed in seeds]
        square = image_BCHW.shape[-1] == image_BCHW.shape[-2]
        for transform in self.transforms:
            drawn = [transform.draw(generator, square=square) for generator in generators]
            image_BCHW, mask_BHW = transform.apply(image_BCHW, mask_BHW, drawn)
        return image_BCHW, mask_BHW


class DeviceDataset(Dataset[Batch]):
    """All training images on one device; gives whole batches, as a loader asks for them.

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
        first = cache.image(self.ids[indices[0]])
        shape = (len(indices), *first.shape)
        # Filled one by one: a copy of all in the main memory might not fit.
        images_NHWC = torch.empty(shape, dtype=torch.uint8, device=device)
        kind = torch.from_numpy(np.zeros(0, cache.kind)).dtype
        self.masks_NHW = torch.empty(shape[:3], dtype=kind, device=device)
        for place, index in enumerate(indices):
            images_NHWC[place] = torch.tensor(cache.image(self.ids[index]))
            self.masks_NHW[place] = torch.tensor(cache.mask(self.ids[index]))
        self.images_NCHW = images_NHWC.permute(0, 3, 1, 2)

    def __len__(self) -> int:
        return len(self.place)

    def __getitems__(self, keys: Sequence[Key]) -> Batch:
        places = torch.tensor([self.place[index] for _, index in keys]).to(self.masks_NHW.device)
        seeds = [sample_seed(self.seed, epoch, self.ids[index]) for epoch, index in keys]
        image_BCHW, mask_BHW = self.augmentation.batch(
            self.images_NCHW[places], self.masks_NHW[places], seeds=seeds
        )
        return Batch(
            image_BCHW=image_BCHW.contiguous(memory_format=torch.channels_last),
            mask_BHW=mask_BHW,
            index_B=torch.tensor([index for _, index in keys]),
        )
