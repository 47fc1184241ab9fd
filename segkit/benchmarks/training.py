"""Training: segkit's whole epoch beside a bare loop, plain Lightning and MONAI."""

from __future__ import annotations

import copy
import logging
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from segkit.assembly import build_data, build_reader, build_task, build_trainer
from segkit.benchmarks.monai_loop import MonaiLoop
from segkit.benchmarks.pairs import write_pairs
from segkit.benchmarks.plain import PlainLightning
from segkit.benchmarks.rivals import BareLoop, Epoch, Learner
from segkit.benchmarks.timing import Figure, Spread, speedup, spread
from segkit.data.datamodule import SegmentationData
from segkit.fit import fit
from segkit.run_folder import RunFolder
from segkit.task import SegmentationTask

log = logging.getLogger(__name__)
Config = Mapping[str, Any]
BARE, PLAIN, MONAI = "bare PyTorch loop", "plain Lightning", "MONAI CacheDataset"


class _InTurn(pl.Callback):
    """Between two epochs of a training, lets every rival train one; the first is not counted."""

    def __init__(self, rivals: Mapping[str, Any]) -> None:
        self.rivals = rivals
        self.ours: list[Epoch] = []
        self.theirs: dict[str, list[Epoch]] = {name: [] for name in rivals}
        self.waited: list[float] = []
        self._begun: float | None = None
        self._left = 0.0
        self._waiting = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer
        self._close(pl_module)
        self._begun, self._waiting, self._left = time.perf_counter(), 0.0, 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        if self._left:
            self._waiting += time.perf_counter() - self._left

    def on_train_batch_end(self, *_: Any) -> None:
        self._left = time.perf_counter()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer, pl_module
        self._left = 0.0

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del trainer
        self._close(pl_module)

    def _close(self, task: pl.LightningModule) -> None:
        """The epoch before has ended with all that belongs to it, checkpoints included."""
        if self._begun is None:
            return
        assert isinstance(task, SegmentationTask)
        ours = Epoch(task.pace.seconds, time.perf_counter() - self._begun)
        self.waited.append(self._waiting / ours.training)
        self.ours.append(ours)
        for name, rival in self.rivals.items():
            with torch.random.fork_rng(), torch.enable_grad():
                self.theirs[name].append(rival.epoch())


def training(config: Config, rounds: int) -> list[Figure]:
    """Train with all callbacks, and the rivals in turn with it, in one process.

    Args:
        config: as for :mod:`segkit.train`, with ``run_dir`` set.
        rounds: epochs that are counted.
    """
    settings = {**config, "trainer": {**config["trainer"], "max_epochs": rounds + 1}}
    settings["callbacks"] = {k: v for k, v in config["callbacks"].items() if k != "early_stopping"}
    data = build_data(settings, build_reader(settings))
    data.prepare_data()
    task = build_task(settings, data.classes)
    trainer = build_trainer(settings)
    with tempfile.TemporaryDirectory() as folder:
        rivals = _rivals(task, data, trainer, Path(folder))
        turns = _InTurn(rivals)
        trainer.callbacks.append(turns)  # type: ignore[attr-defined]
        folder_of_run = RunFolder(settings["run_dir"])
        fit(data, task, trainer, folder_of_run, monitor=settings["monitor"])
    steps = max(1, len(data.indices("train")) // data.batch_size)
    images = min(steps * data.batch_size, len(data.indices("train")))
    return _figures(turns, images, str(trainer.precision), on_gpu=_device(trainer).type == "cuda")


def _device(trainer: pl.Trainer) -> torch.device:
    return trainer.strategy.root_device


def _rivals(
    task: SegmentationTask, data: SegmentationData, trainer: pl.Trainer, folder: Path
) -> dict[str, Any]:
    device = _device(trainer)

    def learner(memory_format: torch.memory_format = torch.contiguous_format) -> Learner:
        network = copy.deepcopy(task.network).to(device)
        network.memory_format = memory_format
        return Learner(network, task.loss, task.optimizer, data.batch_size, device)

    held = {stage: _tensors(data, stage, device) for stage in ("train", "val")}
    precision = str(trainer.precision)
    fast = learner(torch.channels_last)
    bare = BareLoop(fast, held["train"], held["val"], precision=precision)
    rivals: dict[str, Any] = {BARE: bare}
    if data.size is None:
        return rivals  # the others need images of one size
    train, val = (write_pairs(data, stage, folder) for stage in ("train", "val"))
    accelerator = "gpu" if device.type == "cuda" else "cpu"
    kind = {"size": data.size, "channels": data.channels}
    rivals[PLAIN] = PlainLightning(learner(), train, val, accelerator=accelerator, **kind)  # type: ignore[arg-type]
    try:
        rivals[MONAI] = MonaiLoop(learner(), train, val, **kind)  # type: ignore[arg-type]
    except ImportError:
        log.warning("MONAI is not installed: pip install 'segkit[benchmark]' to compare with it")
    return rivals


def _tensors(data: SegmentationData, stage: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Every image (N, C, H, W), channels last, and mask (N, H, W), both uint8, on the device."""
    dataset = data.dataset("all")
    items = [dataset[0, index] for index in data.indices(stage)]
    images_NHWC = torch.stack([torch.tensor(item["image"]) for item in items])
    masks_NHW = torch.stack([torch.tensor(item["mask"]) for item in items])
    return images_NHWC.permute(0, 3, 1, 2).to(device), masks_NHW.to(device)


def _figures(turns: _InTurn, images: int, precision: str, *, on_gpu: bool) -> list[Figure]:
    part, ours = "training", turns.ours[1:]

    def rate(epochs: list[Epoch]) -> float:
        return spread([images / epoch.training for epoch in epochs]).median

    figures = [Figure(part, f"segkit, {precision}", rate(ours), "images/s")]
    for name, epochs in turns.theirs.items():
        counted = epochs[1:]
        goal = {PLAIN: 3.0, MONAI: 2.4}.get(name)
        ratio = speedup([e.training for e in ours], [e.training for e in counted])
        figures.append(
            Figure(part, name, rate(counted), "images/s", f"segkit ÷ {name}", ratio, goal)
        )
    bare = turns.theirs[BARE][1:]
    whole: Spread = speedup([e.whole for e in ours], [e.whole for e in bare])
    figures += [
        Figure(
            part,
            "whole epoch: validation, scores, panels, logs, checkpoints",
            spread([e.whole for e in ours]).median,
            "s",
            f"segkit ÷ {BARE}",
            whole,
            0.95 if on_gpu else 0.97,
        ),
        Figure(
            part,
            "share of the training time in which the step waits for input",
            spread(turns.waited[1:]).median,
            "",
            goal=0.03 if on_gpu else None,
            at_most=True,
        ),
    ]
    return figures
