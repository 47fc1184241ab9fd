"""Memory: of the main process and its workers together, as the data set grows tenfold."""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader

from segkit.benchmarks.rounds import Rounds
from segkit.benchmarks.timing import Figure, spread
from segkit.config.sizes import image_size
from segkit.data.cache import Cache
from segkit.data.cache_build import pixels_name
from segkit.data.dataset import CachedDataset, OrderedSampler, collate
from segkit.runs.build import build_augmentation

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

Config = Mapping[str, Any]
PART, WORKERS, FEW = "memory", 2, 1000
_BUILD = "measured"


def memory(config: Config, shown: Rounds) -> None:
    """Read a cache of noise, and one of ten times as many images, through two workers.

    Only Linux tells what a process shares; elsewhere nothing is measured.

    Args:
        config: as for :mod:`segkit.train`; size and channels are taken.
        shown: keeps what is found.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        return
    counts = {f"{count} images": count for count in (FEW, 10 * FEW)}
    figures: list[Figure] = []
    owned: list[int] = []
    with shown.over([*counts], 1):
        for name, count in counts.items():
            shown.begin(name)
            own, mapped = _held(config, count)
            owned.append(own)
            what = f"{name}, main process and {WORKERS} workers"
            figures.append(Figure(PART, f"{what}: their own memory", own / 2**20, "MiB"))
            figures.append(Figure(PART, f"{what}: mapped files, shared", mapped / 2**20, "MiB"))
            shown.end()
            shown.found(figures)
        growth = Figure(
            PART,
            "own memory, ten times as many images",
            owned[1] / 2**20,
            "MiB",
            f"÷ that of {FEW} images",
            spread([owned[1] / owned[0]]),
            1.1,
            at_most=True,
        )
        shown.found([*figures, growth])


def _held(config: Config, count: int) -> tuple[int, int]:
    """Bytes of their own and bytes of mapped files, each page counted once."""
    size = image_size(config["dataset"]["size"], "dataset.size") or (256, 256)
    with tempfile.TemporaryDirectory() as folder:
        _write_cache(Path(folder), count, size, config["dataset"]["channels"])
        # Not forked: what this process holds would be counted too.
        context = multiprocessing.get_context("spawn")
        queue: Queue[tuple[int, int]] = context.Queue()
        child = context.Process(target=_read_all, args=(Path(folder), count, dict(config), queue))
        child.start()
        while True:
            with suppress(Empty):
                held = queue.get(timeout=1)
                break
            if not child.is_alive():
                raise RuntimeError(f"the process that was measured ended with {child.exitcode}")
        child.join()
    return held


def _write_cache(folder: Path, count: int, size: tuple[int, int], channels: int) -> None:
    """Black images without masks, in the form of :mod:`segkit.data.cache`."""
    each = size[0] * size[1] * (channels + 1)
    with (folder / pixels_name(_BUILD)).open("wb") as file:
        file.truncate(count * each)  # pages that were never written take no disk
    entries = [
        {
            "id": str(number),
            "stratum": "",
            "offset": number * each,
            "height": size[0],
            "width": size[1],
            "packed": 0,
            "native": size,
            "checksums": ("", ""),
        }
        for number in range(count)
    ]
    index = {"build": _BUILD, "channels": channels, "labels": False, "bytes": count * each}
    index |= {"problems": [], "depths": {}, "entries": entries}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def _read_all(
    folder: Path, count: int, config: dict[str, Any], queue: Queue[tuple[int, int]]
) -> None:
    dataset = CachedDataset(
        Cache(folder),
        [str(number) for number in range(count)],
        augmentation=build_augmentation(config),
    )
    loader = DataLoader(
        dataset,
        batch_size=16,
        sampler=OrderedSampler(range(count), rank=0, world_size=1),
        collate_fn=collate,
        num_workers=WORKERS,
        persistent_workers=True,
    )
    for _ in loader:
        pass
    children = [process.pid for process in multiprocessing.active_children()]
    queue.put(_pages([os.getpid(), *(pid for pid in children if pid is not None)]))


def _pages(processes: list[int]) -> tuple[int, int]:
    """Their anonymous and their file pages, in bytes; what is shared is divided by its sharers."""
    anonymous = mapped = 0
    for process in processes:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        facts = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
        anonymous += 1024 * (int(facts["Pss_Anon"]) + int(facts["Pss_Shmem"]))
        mapped += 1024 * int(facts["Pss_File"])
    return anonymous, mapped
