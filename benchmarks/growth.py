"""Cost as work grows: image size, batch, workers, images; a small plot."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from segkit.benchmarks.bare_loop import Loop, device_of, learner_of
from segkit.benchmarks.inputs import loader_rate
from segkit.benchmarks.rounds import Rounds
from segkit.benchmarks.timing import Figure, seconds
from segkit.core.hardware import best_precision
from segkit.data.cache import open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.datamodule import SegmentationData
from segkit.drawing.plots import BLUE, figure, save, style
from segkit.runs.build import build_augmentation, build_data, build_module, build_reader
from segkit.runs.settled import weighted
from segkit.tasks.named import build_task

Config = Mapping[str, Any]
PART = "growth"
Points = list[tuple[float, float]]
Way = tuple[list[int], Callable[[int], float]]  # what is tried, and its measure


def growth(config: Config, folder: Path, shown: Rounds) -> None:
    """Measure each way of growing, and draw ``growth.png``.

    Args:
        config: as for :mod:`segkit.train`.
        folder: that the plot is written to.
        shown: keeps what is found.
    """
    data = build_data(config, build_reader(config))
    data.prepare_data()
    config = weighted(config, data)
    augmentation = build_augmentation(config)
    module = build_module(config, build_task(config, data.classes))
    side, batch = (data.size or (128, 128))[0], data.batch_size
    cores = os.cpu_count() or 1
    ways: dict[tuple[str, str], Way] = {
        ("side of the image, pixels", "training images/s"): (
            _doubling(side // 2, 3),
            lambda s: _step_rate(config, module, batch, s),
        ),
        ("batch, images", "training images/s"): (
            _doubling(max(2, batch // 8), 5),
            lambda b: _step_rate(config, module, b, side),
        ),
        ("loader processes", "loader images/s"): (
            _doubling(0, cores + 1),
            lambda w: loader_rate(data, augmentation, workers=w),
        ),
        ("images", "seconds to decode all"): (
            _doubling(max(1, len(data.records) // 8), 4),
            lambda n: _decoding(data, n),
        ),
    }
    curves: dict[tuple[str, str], Points] = {}
    figures: list[Figure] = []
    with shown.over([f"{x} {way[0]}" for way, (xs, _) in ways.items() for x in xs], 1):
        for (across, up), (xs, measured) in ways.items():
            points = curves[across, up] = list[tuple[float, float]]()
            unit = "s" if up.startswith("seconds") else "images/s"
            for x in xs:
                shown.begin(f"{x} {across}")
                points.append((x, measured(x)))
                shown.end()
                figures.append(Figure(PART, f"{across}: {x:g}", points[-1][1], unit))
                shown.found(figures)
    _draw(curves, folder / "growth.png")


def _doubling(first: int, most: int) -> list[int]:
    """``first``, twice that, …; from 0 on 0, 1, 2, 4 … below ``most``."""
    if first:
        return [first * 2**power for power in range(most)]
    return [0, *(2**power for power in range(8) if 2**power < most)]


def _step_rate(config: Config, module: Any, batch: int, side: int) -> float:
    device = device_of(config["trainer"])
    precision = best_precision(config["trainer"]["accelerator"])
    learner = learner_of(module, batch, device)
    shape = (batch, side, side, config["dataset"]["channels"])
    image_BHWC = torch.zeros(shape, dtype=torch.uint8, device=device)
    mask_BHW = torch.zeros(shape[:3], dtype=torch.uint8, device=device)
    batches = [(image_BHWC.permute(0, 3, 1, 2), mask_BHW)]
    loop = Loop(learner, lambda: batches, precision=precision)
    loop.epoch()
    return batch / min(loop.epoch().training for _ in range(3))


def _decoding(data: SegmentationData, count: int) -> float:
    """Seconds to fill a new cache with so many of the images."""
    spec = CacheSpec(data.size, data.channels)
    records = data.records[:count]
    with tempfile.TemporaryDirectory() as folder:
        return seconds(
            lambda: open_cache(
                data.reader, records, spec=spec, folder=Path(folder), name="benchmark"
            )
        )


def _draw(curves: Mapping[tuple[str, str], Sequence[tuple[float, float]]], path: Path) -> None:
    plot = figure(11, 3.2)
    for number, ((across, up), points) in enumerate(curves.items(), start=1):
        axes = plot.add_subplot(1, len(curves), number)
        style(axes, up, across)
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, color=BLUE, marker="o", markersize=4, linewidth=1.8)
        axes.set_ylim(0, 1.15 * max(ys))
        axes.set_xticks(xs, [f"{x:g}" for x in xs])
    save(plot, path)
