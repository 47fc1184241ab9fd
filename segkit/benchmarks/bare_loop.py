"""The least that trains a network, epoch by epoch: what everything else is held against."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from segkit.core.hardware import autocast
from segkit.models.network import SegmentationNetwork
from segkit.training.module import SegmentationModule

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@dataclass(frozen=True, slots=True)
class Epoch:
    """Seconds of one epoch.

    Attributes:
        training: of its steps, with what they wait for.
        whole: with validation too.
    """

    training: float
    whole: float


@dataclass(frozen=True, slots=True)
class Learner:
    """What is trained, however it is trained.

    Attributes:
        network: raw pixels to logits.
        loss: of logits and class indices.
        optimizer: takes the parameters.
        batch_size: images a step.
        device: that the network lies on.
    """

    network: SegmentationNetwork
    loss: nn.Module
    optimizer: MakeOptimizer
    batch_size: int
    device: torch.device


def device_of(trainer: Mapping[str, Any]) -> torch.device:
    """The device that the Trainer would choose."""
    gpu = trainer["accelerator"] in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return torch.device("cuda" if gpu else "cpu")


def learner_of(
    module: SegmentationModule,
    batch_size: int,
    device: torch.device,
    memory_format: torch.memory_format = torch.channels_last,
) -> Learner:
    """A copy of what a task trains."""
    network = copy.deepcopy(module.network).to(device)
    network = network.to(memory_format=memory_format)
    network.memory_format = memory_format
    loss = copy.deepcopy(module.loss).to(device)
    return Learner(network, loss, module.optimizer, batch_size, device)


def wait_for(device: torch.device) -> None:
    """Let a GPU finish, so that a clock may be read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class BareLoop:
    """The least that trains: tensors in memory, a step, and nothing besides.

    Args:
        learner: with its network in channels_last if wanted.
        train, val: images (N, C, H, W) uint8 and masks (N, H, W) uint8, on the device.
        precision: as the Trainer calls it.
    """

    def __init__(
        self,
        learner: Learner,
        train: tuple[Tensor, Tensor],
        val: tuple[Tensor, Tensor],
        *,
        precision: str,
    ) -> None:
        self.learner, self.train, self.val = learner, train, val
        self.precision = precision
        self.optimizer = learner.optimizer(learner.network.parameters())

    def epoch(self) -> Epoch:
        """Train on every whole batch once, then run the validation images through."""
        started = time.perf_counter()
        learner, size = self.learner, self.learner.batch_size
        learner.network.train()
        order = torch.randperm(len(self.train[0]), device=learner.device)
        for first in range(0, max(len(order) - size, 0) + 1, size):
            chosen = order[first : first + size]
            with autocast(learner.device, self.precision):
                loss = learner.loss(learner.network(self.train[0][chosen]), self.train[1][chosen])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        wait_for(learner.device)
        trained = time.perf_counter() - started
        learner.network.eval()
        with torch.inference_mode(), autocast(learner.device, self.precision):
            for first in range(0, len(self.val[0]), size):
                learner.network(self.val[0][first : first + size])
        wait_for(learner.device)
        return Epoch(trained, time.perf_counter() - started)
