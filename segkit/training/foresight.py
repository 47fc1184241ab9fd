"""Foresees the memory that a training or an evaluation will take, before its first step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import torch

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.core.hardware import best_precision
from segkit.data.loaders import batch_bytes, worker_count
from segkit.models.footprint import footprint

if TYPE_CHECKING:
    from segkit.data.cache import Entry
    from segkit.data.datamodule import SegmentationData
    from segkit.training.module import SegmentationModule

Size = tuple[int, int]
# Bytes for each pixel of an image that is scored: of each plane of outputs at its own size, and of
# the masks that are held against each other.
_PLANE, _MASKS = 4, 4
# What is proposed in place of too large a size or crop.
_SIDES = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 32)
# Of what is available: a proposal leaves some.
_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Need:
    """What one part of a run takes.

    Attributes:
        what: takes it, in words.
        size: bytes, beside what is held already.
        where: the keys that it depends on.
        remedy: finds a setting that takes less.
    """

    what: str
    size: int
    where: str
    remedy: Callable[[], str]


def foresee(
    data: SegmentationData,
    module: SegmentationModule,
    trainer: Mapping[str, Any],
    *,
    training: bool = True,
) -> str:
    """Estimate, refuse what memory will not hold, and say how much it is.

    Args:
        data: prepared, with the batch size known.
        module: with the network as it will be run.
        trainer: its configuration.
        training: whether it is trained, or scored alone (``data.scored_split``).

    Returns:
        A line for the user, such as ``memory: about 3.1 of 22.8 GiB``; empty where the network
        or the system does not tell, and but in the first process.

    Raises:
        SegkitError: with what is needed, what there is, and a setting that needs less.
    """
    run = _Run(data, module, trainer)
    needs = run.needs(training=training) if is_first_process() and run.room is not None else []
    if not needs:
        return ""
    assert run.room is not None
    each = f" to each of {run.processes} processes" if run.processes > 1 else ""
    for need in needs:
        if need.size > run.room:
            raise SegkitError(
                f"{need.what} needs about {memory.gib(need.size)} of memory, and "
                f"{memory.gib(run.room)} are available{each}",
                where=need.where,
                remedy=need.remedy(),
            )
    before = 0 if run.on_gpu else memory.resident()
    taken = (before + max(need.size for need in needs)) / 2**30
    kind = "GPU memory" if run.on_gpu else "memory"
    return f"{kind}: about {taken:.1f} of {memory.gib(run.room + before)}{each}"


class _Run:
    """The figures of one run."""

    def __init__(
        self, data: SegmentationData, module: SegmentationModule, trainer: Mapping[str, Any]
    ) -> None:
        self.data, self.module = data, module
        accelerator, precision = trainer["accelerator"], trainer["precision"]
        self.precision = str(best_precision(accelerator) if precision == "auto" else precision)
        self.on_gpu = accelerator not in ("cpu", "mps", "tpu") and torch.cuda.is_available()
        devices = str(trainer.get("devices", 1))  # "2" counts as 2; of CPUs, auto is one
        self.processes = max(1, int(devices)) if devices.isdigit() and not self.on_gpu else 1
        free = torch.cuda.mem_get_info()[0] if self.on_gpu else memory.available()
        self._footprints: dict[tuple[int, Size, bool], int | None] = {}
        self.room = None if free is None else free // self.processes

    def needs(self, *, training: bool) -> list[Need]:
        """Of the training step and of what scores; without what cannot be known."""
        parts = [self._training()] if training else []
        stages = (
            (("val", "val"), ("test", "test")) if training else ((self.data.scored_split, "test"),)
        )
        parts += [self._scoring(split, native=stage == "test") for split, stage in stages]
        return [part for part in parts if part is not None]

    def _fits(self, batch: int, size: Size, *, training: bool) -> bool:
        needed = self._step(batch, size, training=training)
        return needed is not None and needed <= _SHARE * (self.room or 0)

    def _step(self, batch: int, size: Size, *, training: bool) -> int | None:
        """Bytes of one step, and of the batches that wait in the main memory."""
        key = (batch, size, training)
        if key not in self._footprints:  # which runs the step; val and test are often alike
            self._footprints[key] = footprint(
                self.module.network,
                (batch, self.data.channels, *size),
                precision=self.precision,
                loss=self.module.loss,
                target=self.module.task.objective.example,
                training=training,
            )
        found = self._footprints[key]
        if found is None or self.on_gpu:
            return found
        one = batch_bytes(self.data.dataset("train" if training else "val"), batch)
        workers, _ = worker_count(
            self.data.num_workers, on_gpu=False, batch=one, processes=self.processes
        )
        return found + one * (1 + 2 * workers)

    def _training(self) -> Need | None:
        data = self.data
        sizes = self._sizes("train")
        if not sizes:
            return None
        size, batch = data.crop or data.size or max(sizes, key=prod), data.batch_size
        step = self._step(batch, size, training=True)
        if step is None:
            return None
        key = "crop" if data.crop or not data.size else "size"
        most = min(map(min, sizes)) if key == "crop" else max(size)

        def remedy() -> str:
            fewer = [batch // 2**k for k in range(1, batch.bit_length())]
            for count in fewer:
                if self._fits(count, size, training=True):
                    return f"set dataset.batch_size={count}"
            for side in (s for s in _SIDES if s < max(size) and s <= most):
                if self._fits(1, (side, side), training=True):
                    return f"set dataset.{key}={side} dataset.batch_size=1"
            return "choose a smaller network, or close other programs"

        where = f"dataset.batch_size={batch}, dataset.size={_shown(data.size)}, "
        where += f"dataset.crop={_shown(data.crop)}"
        return Need(f"a training step of {_images(batch, size)}", step, where, remedy)

    def _scoring(self, split: str, *, native: bool) -> Need | None:
        data, bound = self.data, self.data.large.pixels
        entries = self._entries(split)
        if not entries:
            return None
        sizes = self._sizes(split)
        batch, size = data.batch_size, data.size
        if size is None:
            tile = (data.large.tile, data.large.tile)
            batch, size = 1, max((s for s in sizes if prod(s) <= bound), key=prod, default=tile)
        step = self._step(batch, size, training=False)
        if step is None:
            return None
        own = max(sizes, key=prod)
        held = 0
        if native and data.score_at == "native":
            own = max((entry.native for entry in entries), key=prod)
            # Outputs at the image's own size, unless they are made in bands.
            natives = [n for n in (prod(entry.native) for entry in entries) if n <= bound]
            held = _PLANE * self.module.task.objective.outputs * max(natives, default=0)
        masks = 0 if self.on_gpu else _MASKS * prod(own)
        shown = own if held > step else size

        def remedy() -> str:
            if held > step or data.size is None:
                for share in (0.5, 0.25, 0.1, 0.05, 0.02):
                    pixels = share * prod(shown)
                    side = int(pixels**0.5)
                    if self._fits(1, (side, side), training=False):
                        return f"score larger images in parts: large={pixels / 1e6:.2g}"
            if batch > 1 and self._fits(1, size, training=False):
                return "set dataset.batch_size=1"
            return "set a smaller dataset.size, or close other programs"

        where = f"large={bound / 1e6:g}, dataset.size={_shown(data.size)}"
        what = f"scoring {_images(batch, shown)} ({split})"
        return Need(what, step + held + masks, where, remedy)

    def _sizes(self, split: str) -> list[Size]:
        """Rows and columns of the split's images as they are kept."""
        return [(entry.height, entry.width) for entry in self._entries(split)]

    def _entries(self, split: str) -> list[Entry]:
        known = self.data.cache.entries
        names = [self.data.records[i].id for i in self.data.indices(split)]
        return [known[name] for name in names if name in known]


def _images(batch: int, size: Size) -> str:
    many = f"{batch} images" if batch > 1 else "an image"
    return f"{many} of {size[1]}×{size[0]} pixels"


def _shown(size: Size | None) -> str:
    return "null" if size is None else f"[{size[0]},{size[1]}]"
