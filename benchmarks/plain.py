"""Lightning in the plain way: its defaults, and files that are decoded each epoch."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from segkit.benchmarks.bare_loop import Epoch, Learner, wait_for
from segkit.training.fit import quiet

Pair = tuple[Path, Path]


class Files(Dataset[tuple[Tensor, Tensor]]):
    """Image and mask files, decoded, resized and flipped each time they are asked for."""

    def __init__(self, pairs: Sequence[Pair], size: tuple[int, int], channels: int) -> None:
        self.pairs, self.size, self.channels = list(pairs), size, channels

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        colour = cv2.IMREAD_COLOR_RGB if self.channels == 3 else cv2.IMREAD_GRAYSCALE
        image = _resized(_read(self.pairs[index][0], colour), self.size, cv2.INTER_AREA)
        mask = _resized(
            _read(self.pairs[index][1], cv2.IMREAD_GRAYSCALE), self.size, cv2.INTER_NEAREST
        )
        if torch.rand(()) < 0.5:
            image, mask = image[:, ::-1], mask[:, ::-1]
        planes = np.ascontiguousarray(np.atleast_3d(image).transpose(2, 0, 1))
        return torch.from_numpy(planes), torch.from_numpy(mask.copy())


def _read(path: Path, flags: int) -> NDArray[np.uint8]:
    found = cv2.imread(str(path), flags)
    assert found is not None
    return np.asarray(found, np.uint8)


def _resized(
    pixels: NDArray[np.uint8], size: tuple[int, int], interpolation: int
) -> NDArray[np.uint8]:
    done = cv2.resize(pixels, (size[1], size[0]), interpolation=interpolation)
    return np.asarray(done, np.uint8)


class _PlainModule(pl.LightningModule):
    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.learner, self.network = learner, learner.network

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        loss: Tensor = self.learner.loss(self.network(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        self.log("val_loss", self.learner.loss(self.network(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.learner.optimizer(self.network.parameters())


class _Clock(pl.Callback):
    def __init__(self) -> None:
        self.started = self.trained = self.ended = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer, pl_module
        self.started = time.perf_counter()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer
        wait_for(pl_module.device)
        self.trained = time.perf_counter()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer
        wait_for(pl_module.device)
        self.ended = time.perf_counter()


class PlainLightning:
    """Lightning as its first example has it: float32, its defaults, files decoded each epoch.

    Args:
        learner: with its network in torch's default memory format.
        train, val: files.
        size: rows and columns that images are resized to.
        channels: 1 or 3.
        accelerator: the Trainer's.
    """

    def __init__(
        self,
        learner: Learner,
        train: Sequence[Pair],
        val: Sequence[Pair],
        *,
        size: tuple[int, int],
        channels: int,
        accelerator: str,
    ) -> None:
        self.module, self.accelerator = _PlainModule(learner), accelerator
        self.loaders = [
            DataLoader(
                Files(pairs, size, channels),
                batch_size=learner.batch_size,
                shuffle=shuffled,
                drop_last=shuffled and len(pairs) > learner.batch_size,
            )
            for pairs, shuffled in ((train, True), (val, False))
        ]

    def epoch(self) -> Epoch:
        """One epoch, in a Trainer of its own."""
        clock = _Clock()
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        with tempfile.TemporaryDirectory() as folder, quiet():
            trainer = pl.Trainer(
                max_epochs=1,
                accelerator=self.accelerator,
                devices=1,
                callbacks=[clock],
                default_root_dir=folder,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
            )
            trainer.fit(self.module, self.loaders[0], self.loaders[1])
        return Epoch(clock.trained - clock.started, clock.ended - clock.started)
