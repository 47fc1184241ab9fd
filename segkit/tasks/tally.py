"""Integer counts by record, gathered over an epoch and over all processes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segkit.core.contracts import Record
from segkit.core.distributed import all_gather
from segkit.drawing.panel import panel_size
from segkit.imaging.pixels import resize_mask
from segkit.statistics.intervals import mean_intervals

Row = dict[str, object]  # as segkit.tasks.parts has it, which comes after this
# Pixels above which a mask is kept as small as it will be drawn.
_LARGE = 2**20


@dataclass(frozen=True, slots=True)
class Counted:
    """What a split came to.

    Attributes:
        indices: positions of the records, ascending, each once.
        counts: (N, …) int64, of each record.
        loss: mean over images, or NaN.
        kept: answers, (H, W), of the records that were asked for; large ones as
            small as a panel shows them.
    """

    indices: list[int]
    counts: NDArray[np.int64]
    loss: float
    kept: dict[int, NDArray[np.uint8]]


@dataclass(slots=True)
class Tally:
    """Accumulates on the device; is read once, at the end of the epoch.

    Attributes:
        keep: positions of the records whose answers are kept to be drawn.
    """

    keep: frozenset[int] = frozenset()
    _indices: list[Tensor] = field(default_factory=list)
    _counts: list[Tensor] = field(default_factory=list)
    _losses: list[Tensor] = field(default_factory=list)
    _kept: dict[int, NDArray[np.uint8]] = field(default_factory=dict)

    def add(self, index_B: Tensor, counts: Tensor, loss: Tensor) -> None:
        """Add one batch: (B, …) counts; ``loss`` is its mean over images."""
        self._indices.append(index_B)
        self._counts.append(counts)
        self._losses.append(loss.detach() * len(index_B))

    def keep_answers(self, index_B: Tensor, answers: Sequence[Tensor]) -> None:
        """Keep those answers of a batch that were asked for."""
        if not self.keep:
            return  # without waiting for the device
        for index, answer in zip(index_B.tolist(), answers, strict=True):
            if index in self.keep:
                found = answer.cpu().numpy()
                if found.size > _LARGE:
                    found = resize_mask(found, panel_size(found.shape))
                self._kept[index] = found

    def finish(self, none: NDArray[np.int64]) -> Counted:
        """Join the batches of all processes, in the order of the records, and start anew.

        Args:
            none: (0, …), the counts of no record.
        """
        indices = torch.cat(self._indices).cpu().numpy() if self._indices else np.zeros(0, np.int64)
        counts = torch.cat(self._counts).cpu().numpy() if self._counts else none
        losses = torch.stack(self._losses).cpu().tolist() if self._losses else []
        parts = all_gather((indices, counts, losses, self._kept))
        self._indices, self._counts, self._losses, self._kept = [], [], [], {}
        all_indices = np.concatenate([part[0] for part in parts])
        all_counts = np.concatenate([part[1] for part in parts])
        order = np.argsort(all_indices, kind="stable")
        kept = {index: mask for part in parts for index, mask in part[3].items()}
        # Rounded once: the same in whatever order the processes come.
        total = math.fsum(loss for part in parts for loss in part[2])
        mean = total / len(order) if len(order) else float("nan")
        return Counted(all_indices[order].tolist(), all_counts[order], mean, kept)


def image_rows(
    counted: Counted,
    records: Sequence[Record],
    splits: Mapping[str, str],
    cells: Sequence[Mapping[str, Row]],
    extras: Mapping[int, Mapping[str, Row]] | None = None,
) -> list[Row]:
    """The rows of ``evaluation_per_image.csv``: one an image and foreground class.

    Args:
        counted: of the split.
        records: of the data set.
        splits: by record id; a record without one has an empty cell.
        cells: columns of the task by class, of each image that was counted.
        extras: further ones by position and class.
    """
    rows: list[Row] = []
    for index, own in zip(counted.indices, cells, strict=True):
        record, more = records[index], (extras or {}).get(index, {})
        about = {"id": record.id, "group": record.group, "split": splits.get(record.id, "")}
        rows += [{**about, "class": k, **row, **more.get(k, {})} for k, row in own.items()]
    return rows


def unit_intervals(
    counts: NDArray[np.int64],
    units: Sequence[str],
    groups: Sequence[str],
    scores: Mapping[str, Callable[[NDArray[np.int64]], NDArray[np.float64]]],
    *,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Intervals of means over units, by score. What is resampled are groups, whatever the unit.

    Args:
        counts: (N, …) of each record.
        units: what each record is scored in.
        groups: of each record.
        scores: (U, K) by name, made of the (U, …) counts of the units.
        seed: of the resamples.

    Returns:
        (K + 1, 2) bounds each: see :func:`segkit.statistics.intervals.mean_intervals`.
    """
    group_of = dict(zip(units, groups, strict=True))
    names, counts_U = sum_by_group(counts, units)
    own = [group_of[name] for name in names]
    return {name: mean_intervals(of(counts_U), own, seed=seed) for name, of in scores.items()}


def sum_by_group(
    counts: NDArray[np.int64], groups: Sequence[str]
) -> tuple[list[str], NDArray[np.int64]]:
    """Sum the records' counts within each group.

    Args:
        counts: (N, …) integers, one entry a record, each record once.
        groups: the group of each record, N of them.

    Returns:
        The G group names, sorted, and (G, …) int64 in their order.

    Raises:
        ValueError: not one group for each entry, or the counts are not integers.
    """
    if len(counts) != len(groups) or not np.issubdtype(counts.dtype, np.integer):
        raise ValueError(f"counts {counts.shape} {counts.dtype}, {len(groups)} records")
    names, index_N = np.unique(np.array(groups, dtype=str), return_inverse=True)
    summed = np.zeros((len(names), *counts.shape[1:]), dtype=np.int64)
    np.add.at(summed, index_N, counts)
    return names.tolist(), summed
