"""The least that trains a network, epoch by epoch: what everything else is held against."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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


Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]


class Loop:
    """The least that trains: a step a batch, and nothing besides.

    Args:
        learner: with its network in the memory format that is wanted.
        train, val: give an epoch's images (B, C, H, W) and masks (B, H, W), on the device.
        precision: as the Trainer calls it.
        optimizer: in place of the learner's own.
    """

    def __init__(
        self,
        learner: Learner,
        train: Batches,
        val: Batches = tuple,
        *,
        precision: str,
        optimizer: MakeOptimizer | None = None,
    ) -> None:
        self.learner, self.train, self.val = learner, train, val
        self.precision = precision
        self.optimizer = (optimizer or learner.optimizer)(learner.network.parameters())

    def epoch(self) -> Epoch:
        """Train on every batch once, then run the validation images through."""
        started = time.perf_counter()
        learner = self.learner
        learner.network.train()
        for image_BCHW, mask_BHW in self.train():
            with autocast(learner.device, self.precision):
                loss = learner.loss(learner.network(image_BCHW), mask_BHW)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        wait_for(learner.device)
        trained = time.perf_counter() - started
        learner.network.eval()
        with torch.inference_mode(), autocast(learner.device, self.precision):
            for image_BCHW, _ in self.val():
                learner.network(image_BCHW)
        wait_for(learner.device)
        return Epoch(trained, time.perf_counter() - started)


def bare_loop(
    learner: Learner,
    train: tuple[Tensor, Tensor],
    val: tuple[Tensor, Tensor],
    *,
    precision: str,
) -> Loop:
    """A loop over tensors in memory, of which it trains on whole batches in a new order each epoch.

    Args:
        learner: what is trained.
        train: images (N, C, H, W) uint8 and masks (N, H, W) uint8, on the device.
        val: likewise.
        precision: as the Trainer calls it.
    """
    size, count = learner.batch_size, len(train[0])

    def shuffled() -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(count, device=learner.device)
        for chosen in torch.split(order, size)[: max(1, count // size)]:
            yield train[0][chosen], train[1][chosen]

    def in_order() -> Iterable[tuple[Tensor, Tensor]]:
        return zip(torch.split(val[0], size), torch.split(val[1], size), strict=True)

    return Loop(learner, shuffled, in_order, precision=precision)
