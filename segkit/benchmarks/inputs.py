"""Input: images a second from files, from the cache, and through each augmentation group."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf
from torch.utils.data import DataLoader

from segkit.benchmarks.bare_loop import device_of
from segkit.benchmarks.rounds import Rounds
from segkit.benchmarks.timing import Figure, spread
from segkit.data.datamodule import SegmentationData
from segkit.data.dataset import CachedDataset, ShuffledSampler, collate
from segkit.data.loaders import worker_count
from segkit.runs.build import build_augmentation, build_data, build_reader
from segkit.runs.cli import config_dir

Config = Mapping[str, Any]
PART = "input"
SECONDS = 2.0  # that each loader is read for, at least


def inputs(config: Config, rounds: int, step_rate: float | None, shown: Rounds) -> None:
    """Measure the loader with as many processes as training would have.

    Args:
        config: as for :mod:`segkit.train`.
        rounds: that are counted.
        step_rate: images a second that the training step takes, where it has been measured.
        shown: keeps what is found.
    """
    cold = _cold(config)
    data = build_data(config, build_reader(config))
    data.prepare_data()
    on_gpu = device_of(config["trainer"]).type == "cuda"
    workers = worker_count(config["dataset"]["num_workers"], on_gpu=on_gpu)[0]
    names = sorted(path.stem for path in (config_dir() / "augment").glob("[!_]*.yaml"))
    goal = 10.0 if step_rate is not None and not on_gpu else None
    rates: dict[str, list[float]] = {name: [] for name in names}
    with shown.over(names, rounds + 1):
        shown.found([cold])
        for number in range(rounds + 1):
            for name in names:
                shown.begin(name)
                rate = loader_rate(data, augmentation_of(config, name), workers=workers)
                shown.end(f"{rate:.3g} images/s")
                if number:
                    rates[name].append(rate)
            if number:
                warm = [_figure(n, rates[n], workers, step_rate, goal) for n in names]
                shown.found([cold, *warm])


def _figure(
    name: str, rates: Sequence[float], workers: int, step_rate: float | None, goal: float | None
) -> Figure:
    return Figure(
        PART,
        f"cached, augment={name}, {workers or 'no'} loader processes",
        spread(rates).median,
        "images/s",
        "" if step_rate is None else "loader ÷ training step",
        None if step_rate is None else spread([rate / step_rate for rate in rates]),
        goal if name == "light" else None,
    )


def augmentation_of(config: Config, name: str) -> Any:
    """The augmentation group of this name, built."""
    node = OmegaConf.to_container(OmegaConf.load(config_dir() / "augment" / f"{name}.yaml"))
    return build_augmentation({**config, "augment": node})


def _cold(config: Config) -> Figure:
    """Decode everything into a new cache."""
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = {**config, "dataset": {**config["dataset"], "cache_dir": folder}}
        reader = build_reader(elsewhere)
        reader.listing()
        data = build_data(elsewhere, reader)
        started = time.perf_counter()
        data.prepare_data()
        spent = time.perf_counter() - started
        return Figure(
            PART, "cold: files decoded into the cache", len(data.records) / spent, "images/s"
        )


def loader_rate(data: SegmentationData, augmentation: Any, *, workers: int = 0) -> float:
    """Images a second out of a loader as training has it.

    Args:
        data: prepared.
        augmentation: of the images.
        workers: processes.
    """
    indices = data.indices("train")
    loader = DataLoader(
        CachedDataset(
            data.cache,
            [record.id for record in data.records],
            augmentation=augmentation,
            crop=data.crop,
            seed=data.seed,
        ),
        batch_size=data.batch_size,
        sampler=ShuffledSampler(indices, seed=data.seed, rank=0, world_size=1),
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    if workers:
        _read(loader)  # processes have started
    images, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        images += _read(loader)
    return images / (time.perf_counter() - started)


def _read(loader: Iterable[Any]) -> int:
    return sum(len(batch["index_B"]) for batch in loader)
