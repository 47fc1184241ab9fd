"""MONAI's CacheDataset in front of a plain loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.plain import Pair
from segkit.benchmarks.bare_loop import Batches, Learner, Loop


def monai_loop(
    learner: Learner,
    train: Sequence[Pair],
    val: Sequence[Pair],
    *,
    size: tuple[int, int],
    channels: int,
) -> Loop:
    """MONAI's CacheDataset and transforms in front of a plain float32 loop.

    Args:
        learner: with its network in torch's default memory format.
        train: files.
        val: likewise.
        size: rows and columns that images are resized to.
        channels: 1 or 3.

    Raises:
        ImportError: MONAI is not installed.
    """
    from monai.data import CacheDataset
    from monai.data import DataLoader as MonaiLoader

    def batches(pairs: Sequence[Pair], *, training: bool) -> Batches:
        named = [{"image": str(image), "mask": str(mask)} for image, mask in pairs]
        steps = _monai_transforms(size, channels, random=training)
        loader = MonaiLoader(
            CacheDataset(named, steps, progress=False),
            batch_size=learner.batch_size,
            shuffle=training,
            drop_last=training and len(pairs) > learner.batch_size,
        )
        return lambda: _on(learner.device, loader)

    return Loop(
        learner,
        batches(train, training=True),
        batches(val, training=False),
        precision="32-true",
    )


def _on(device: torch.device, loader: Any) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in loader:
        image_BCHW = batch["image"].as_tensor().to(device)
        yield image_BCHW, batch["mask"].as_tensor()[:, 0].long().to(device)


def _monai_transforms(size: tuple[int, int], channels: int, *, random: bool) -> Any:
    from monai import transforms as mt

    both = ["image", "mask"]
    steps = [
        mt.LoadImaged(both, reader="PILReader", converter=_converter(channels)),
        mt.EnsureChannelFirstd(both),
        mt.Resized(both, size, mode=("area", "nearest")),
    ]
    if random:
        steps += [
            mt.RandFlipd(both, prob=0.5, spatial_axis=0),
            mt.RandFlipd(both, prob=0.5, spatial_axis=1),
            mt.RandRotate90d(both, prob=0.5),
            mt.RandScaleIntensityd("image", factors=0.2, prob=0.5),
        ]
    return mt.Compose(steps)


def _converter(channels: int) -> Callable[[Any], Any]:
    # A mask has one channel whatever the image has.
    return lambda image: image if image.mode == "L" or channels == 1 else image.convert("RGB")
