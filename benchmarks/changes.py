"""What each change brings to the bare training step, one on top of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from segkit.benchmarks.bare_loop import Learner, device_of, learner_of, wait_for
from segkit.benchmarks.timing import Figure, interleaved, speedup, spread
from segkit.core.hardware import autocast, best_precision
from segkit.runs.build import build_data, build_module, build_reader
from segkit.tasks.named import build_task

Config = Mapping[str, Any]
PART, STEPS = "changes", 4


def changes(config: Config, rounds: int) -> list[Figure]:
    """Train on one batch, again and again: float32, channels_last, bf16, fused Adam, compiled.

    Args:
        config: as for :mod:`segkit.train`; network, loss, size and batch are taken.
        rounds: that are counted, of four steps each.
    """
    data = build_data(config, build_reader(config))
    data.prepare_data()
    task = build_module(config, build_task(config, data.classes))
    device = device_of(config["trainer"])
    dataset = data.dataset("train")
    count = min(data.batch_size, len(data.indices("train")))
    items = [dataset[0, i] for i in data.indices("train")[:count]]
    image_BCHW = torch.stack([torch.tensor(i["image"]) for i in items]).permute(0, 3, 1, 2)
    mask_BHW = torch.stack([torch.tensor(i["mask"]) for i in items]).to(device)
    plain, last = image_BCHW.contiguous().to(device), image_BCHW.to(device)
    precision = best_precision(config["trainer"]["accelerator"])

    def way(image: Tensor, kind: str, **options: bool) -> Callable[[], None]:
        layout = torch.channels_last if image is last else torch.contiguous_format
        return _steps(learner_of(task, count, device, layout), image, mask_BHW, kind, **options)

    ways = {
        "float32": way(plain, "32-true"),
        "+ channels_last": way(last, "32-true"),
        f"+ {precision}": way(last, precision),
        "+ fused AdamW": way(last, precision, fused=True),
        "+ compiled": way(last, precision, fused=True, compiled=True),
    }
    taken = interleaved(ways, rounds)
    first = taken["float32"]
    return [
        Figure(
            PART,
            name,
            spread([STEPS * count / s for s in spent]).median,
            "images/s",
            "" if name == "float32" else "÷ float32",
            None if name == "float32" else speedup(spent, first),
        )
        for name, spent in taken.items()
    ]


def _steps(
    learner: Learner,
    image_BCHW: Tensor,
    mask_BHW: Tensor,
    precision: str,
    *,
    fused: bool = False,
    compiled: bool = False,
) -> Callable[[], None]:
    """Some training steps on one batch, in one way."""
    network = learner.network
    if compiled:
        network.compile()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True if fused else None)

    def work() -> None:
        network.train()
        for _ in range(STEPS):
            with autocast(learner.device, precision):
                loss = learner.loss(network(image_BCHW), mask_BHW)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        wait_for(learner.device)

    return work
