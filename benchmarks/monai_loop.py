"""MONAI's CacheDataset in front of a plain loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.plain import Pair
from segkit.benchmarks.bare_loop import Epoch, Learner, wait_for


class MonaiLoop:
    """MONAI's CacheDataset and transforms in front of a plain float32 loop.

    Args:
        learner: with its network in torch's default memory format.
        train, val: files.
        size: rows and columns that images are resized to.
        channels: 1 or 3.

    Raises:
        ImportError: MONAI is not installed.
    """

    def __init__(
        self,
        learner: Learner,
        train: Sequence[Pair],
        val: Sequence[Pair],
        *,
        size: tuple[int, int],
        channels: int,
    ) -> None:
        from monai.data import CacheDataset
        from monai.data import DataLoader as MonaiLoader

        self.learner = learner
        self.optimizer = learner.optimizer(learner.network.parameters())
        self.loaders = []
        for pairs, training in ((train, True), (val, False)):
            named = [{"image": str(image), "mask": str(mask)} for image, mask in pairs]
            steps = _monai_transforms(size, channels, random=training)
            cached = CacheDataset(named, steps, progress=False)
            size_of_batch = learner.batch_size
            whole = training and len(pairs) > size_of_batch
            self.loaders.append(
                MonaiLoader(cached, batch_size=size_of_batch, shuffle=training, drop_last=whole)
            )

    def epoch(self) -> Epoch:
        """Train, then validate."""
        learner, started = self.learner, time.perf_counter()
        learner.network.train()
        for image_BCHW, mask_BHW in self._batches(self.loaders[0]):
            loss = learner.loss(learner.network(image_BCHW), mask_BHW)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        wait_for(learner.device)
        trained = time.perf_counter() - started
        learner.network.eval()
        with torch.inference_mode():
            for image_BCHW, _ in self._batches(self.loaders[1]):
                learner.network(image_BCHW)
        wait_for(learner.device)
        return Epoch(trained, time.perf_counter() - started)

    def _batches(self, loader: Any) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.learner.device
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
