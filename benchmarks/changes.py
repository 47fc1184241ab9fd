"""What each change brings to the bare training step, one on top of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from segkit.benchmarks.bare_loop import Loop, device_of, learner_of
from segkit.benchmarks.rounds import Rounds, interleaved
from segkit.benchmarks.timing import Figure, speedup, spread
from segkit.benchmarks.training import tensors
from segkit.core.hardware import best_precision
from segkit.runs.build import build_data, build_module, build_reader
from segkit.runs.settled import weighted
from segkit.tasks.named import build_task

Config = Mapping[str, Any]
PART, STEPS = "changes", 4


def changes(config: Config, rounds: int, shown: Rounds) -> None:
    """Train on one batch, again and again: float32, channels_last, bf16, fused Adam, compiled.

    Args:
        config: as for :mod:`segkit.train`; network, loss, size and batch are taken.
        rounds: that are counted, of four steps each.
        shown: keeps what is found.
    """
    data = build_data(config, build_reader(config))
    data.prepare_data()
    config = weighted(config, data)
    task = build_module(config, build_task(config, data.classes))
    device = device_of(config["trainer"])
    images_NCHW, masks_NHW = tensors(data, "train", device)
    last, mask_BHW = images_NCHW[: data.batch_size], masks_NHW[: data.batch_size]
    plain, count = last.contiguous(), len(last)
    precision = best_precision(config["trainer"]["accelerator"])

    def way(
        image: Tensor, precision: str, *, fused: bool = False, compiled: bool = False
    ) -> Callable[[], object]:
        layout = torch.channels_last if image is last else torch.contiguous_format
        learner = learner_of(task, count, device, layout)
        if compiled:
            learner.network.compile()
        adamw = partial(torch.optim.AdamW, lr=1e-4, fused=True if fused else None)
        batches = [(image, mask_BHW)] * STEPS
        return Loop(learner, lambda: batches, precision=precision, optimizer=adamw).epoch

    ways = {
        "float32": way(plain, "32-true"),
        "+ channels_last": way(last, "32-true"),
        f"+ {precision}": way(last, precision),
        "+ fused AdamW": way(last, precision, fused=True),
        "+ compiled": way(last, precision, fused=True, compiled=True),
    }
    interleaved(ways, rounds, shown, lambda taken: _figures(taken, STEPS * count))


def _figures(taken: Mapping[str, list[float]], images: int) -> list[Figure]:
    first = taken["float32"]
    return [
        Figure(
            PART,
            name,
            spread([images / s for s in spent]).median,
            "images/s",
            "" if name == "float32" else "÷ float32",
            None if name == "float32" else speedup(spent, first),
        )
        for name, spent in taken.items()
    ]
