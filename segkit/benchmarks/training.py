"""Training: segkit's whole epoch beside a bare loop, plain Lightning and MONAI."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from segkit.benchmarks.bare_loop import Epoch, bare_loop, learner_of, wait_for
from segkit.benchmarks.beside import beside, is_beside
from segkit.benchmarks.rounds import Rounds
from segkit.benchmarks.timing import Figure, rates, speedup, spread
from segkit.core.run_folder import RunFolder
from segkit.data.datamodule import SegmentationData
from segkit.runs.build import build_data, build_module, build_reader, build_trainer
from segkit.runs.settled import weighted
from segkit.tasks.named import build_task
from segkit.training.fit import fit
from segkit.training.module import SegmentationModule

log = logging.getLogger(__name__)
Config = Mapping[str, Any]
BARE, PLAIN, MONAI = "bare PyTorch loop", "plain Lightning", "MONAI CacheDataset"


class TimedLoader:
    """A loader that adds up how long it is waited for."""

    def __init__(self, loader: Any) -> None:
        self.loader, self.sampler = loader, loader.sampler
        self.waited = 0.0

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        self.waited = 0.0
        started = time.perf_counter()
        for batch in self.loader:
            self.waited += time.perf_counter() - started
            yield batch
            started = time.perf_counter()


class Alternating(pl.Callback):
    """Between two epochs of a training, lets every rival train one; the first is not counted.

    Args:
        name: of the training.
        rivals: by name.
        loader: of the training.
        images: that it trains on in an epoch.
        shown: draws a bar, which has begun.
        figures: of this callback, asked for after each round.
    """

    def __init__(
        self,
        name: str,
        rivals: Mapping[str, Any],
        loader: TimedLoader,
        *,
        images: int,
        shown: Rounds,
        figures: Callable[[Alternating], list[Figure]],
    ) -> None:
        self.rivals, self.loader = rivals, loader
        self.epochs: dict[str, list[Epoch]] = {each: [] for each in (name, *rivals)}
        self.waited: list[float] = []
        self.name, self.images, self.shown, self.figures = name, images, shown, figures
        self._begun: float | None = None
        self._trained = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The epoch before has ended, with its checkpoints; now the rivals, and then anew."""
        del trainer, pl_module
        self._close()
        self.shown.begin(self.name)
        self._begun = time.perf_counter()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The steps are over."""
        del trainer
        wait_for(pl_module.device)
        self._trained = time.perf_counter()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The last epoch has ended."""
        del trainer
        wait_for(pl_module.device)
        self._close()

    def _close(self) -> None:
        if self._begun is None:
            return
        ours = Epoch(self._trained - self._begun, time.perf_counter() - self._begun)
        self._keep(self.name, ours)
        self.waited.append(self.loader.waited / ours.training)
        for name, rival in self.rivals.items():
            self.shown.begin(name)
            with torch.random.fork_rng(), torch.enable_grad():
                self._keep(name, rival.epoch())
        if len(self.waited) > 1:
            self.shown.found(self.figures(self))

    def _keep(self, name: str, epoch: Epoch) -> None:
        self.epochs[name].append(epoch)
        self.shown.end(f"{self.images / epoch.training:.3g} images/s")


def training(config: Config, rounds: int, shown: Rounds) -> None:
    """Train with all callbacks, and the rivals in turn with it, in one process.

    Args:
        config: as for :mod:`segkit.train`, with ``run_dir`` set.
        rounds: epochs that are counted.
        shown: keeps what is found.
    """
    trainer_node = {**config["trainer"], "max_epochs": rounds + 1, "enable_progress_bar": False}
    # Ctrl-C ends a measurement at once; there is nothing to resume.
    without = ("early_stopping", "interrupts")
    callbacks = {k: v for k, v in config["callbacks"].items() if k not in without}
    settings = {**config, "trainer": trainer_node, "callbacks": callbacks}
    data = build_data(settings, build_reader(settings))
    data.prepare_data()
    settings = weighted(settings, data)
    module = build_module(settings, build_task(settings, data.classes))
    trainer = build_trainer(settings)
    images = len(data.indices("train"))
    images = min(images, max(1, images // data.batch_size) * data.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        rivals = _rivals(module, data, trainer, Path(folder))
        data.trainer = trainer
        loader = TimedLoader(data.train_dataloader())
        data.train_dataloader = lambda: loader  # type: ignore[method-assign,assignment,return-value]
        name = f"segkit, {trainer.precision}"
        figures = partial(_figures, on_gpu=trainer.strategy.root_device.type == "cuda")
        alternating = Alternating(name, rivals, loader, images=images, shown=shown, figures=figures)
        trainer.callbacks.append(alternating)  # type: ignore[attr-defined]
        with shown.over([name, *rivals], rounds + 1):
            fit(
                data,
                module,
                trainer,
                RunFolder(settings["run_dir"]),
                monitor=settings["monitor"],
                compile_network=settings["compile"],
            )


def _rivals(
    module: SegmentationModule, data: SegmentationData, trainer: pl.Trainer, folder: Path
) -> dict[str, Any]:
    device = trainer.strategy.root_device
    held = {stage: tensors(data, stage, device) for stage in ("train", "val")}
    fast = learner_of(module, data.batch_size, device)
    bare = bare_loop(fast, held["train"], held["val"], precision=str(trainer.precision))
    if not is_beside():
        log.warning("only a clone of segkit's repository compares with MONAI and plain Lightning")
        return {BARE: bare}
    return {BARE: bare, **beside("rivals").rivals(module, data, device, folder)}


def tensors(data: SegmentationData, stage: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Every image (N, C, H, W), channels last, and mask (N, H, W), both uint8, on the device."""
    dataset = data.dataset("all")
    items = [dataset[0, index] for index in data.indices(stage)]
    images_NHWC = torch.stack([torch.tensor(item["image"]) for item in items])
    masks_NHW = torch.stack([torch.tensor(item["mask"]) for item in items])
    return images_NHWC.permute(0, 3, 1, 2).to(device), masks_NHW.to(device)


def _figures(measured: Alternating, *, on_gpu: bool) -> list[Figure]:
    part = "training"
    epochs = {name: each[1:] for name, each in measured.epochs.items()}
    taken = {name: [epoch.training for epoch in some] for name, some in epochs.items()}
    ours, bare = epochs[measured.name], epochs[BARE]
    figures = rates(part, taken, measured.images, "images/s", goals={PLAIN: 3.0, MONAI: 2.4})
    figures += [
        Figure(
            part,
            "whole epoch: validation, scores, panels, logs, checkpoints",
            spread([e.whole for e in ours]).median,
            "s",
            f"segkit ÷ {BARE}",
            speedup([e.whole for e in ours], [e.whole for e in bare]),
            0.95 if on_gpu else 0.97,
        ),
        Figure(
            part,
            "share of the training time in which the step waits for input",
            spread(measured.waited[1:]).median,
            "",
            goal=0.03 if on_gpu else None,
            at_most=True,
        ),
    ]
    return figures
