"""What an evaluation of objects adds to the counts: intervals, and what became of each object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from segkit.core.distributed import gather_records
from segkit.statistics.intervals import sum_intervals
from segkit.tasks.base import Task
from segkit.tasks.examining import Examined, Watcher
from segkit.tasks.instance.matching import COUNTS, Labels, Matching, match
from segkit.tasks.instance.metrics import BY_UNIT, each, pooled
from segkit.tasks.instance.outcomes import TrueObject, outcomes, recall_by_area
from segkit.tasks.instance.plots import areas_plot, counts_plot, precision_plot
from segkit.tasks.instance.tables import (
    CLASS_COLUMNS,
    IMAGE_COLUMNS,
    INTERVALS,
    OBJECT_COLUMNS,
    object_rows,
)
from segkit.tasks.parts import Row
from segkit.tasks.tally import Counted, sum_by_group, unit_intervals


class ObjectTally:
    """What became of every object of a split."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[list[TrueObject], list[Row]]] = {}

    def watch(
        self, index: int, outputs_KHW: Tensor, prediction_HW: Tensor, truth_HW: Tensor
    ) -> None:
        """Take one image in."""
        del outputs_KHW
        truth, found = truth_HW.cpu().numpy(), prediction_HW.cpu().numpy()
        self.add(index, match(truth, found), truth, found)

    def add(self, index: int, matching: Matching, truth_HW: Labels, found_HW: Labels) -> None:
        """The same where it is known what matches."""
        true_objects, found_objects = outcomes(matching)
        rows = object_rows(true_objects, found_objects, truth_HW, found_HW)
        self._rows[index] = true_objects, rows

    def finish(self) -> tuple[list[TrueObject], dict[int, list[Row]]]:
        """Of all processes: the true objects, and the rows by position of the record."""
        found = gather_records(self._rows)
        true_objects = [one for several, _ in found.values() for one in several]
        return true_objects, {index: rows for index, (_, rows) in found.items()}


class InstanceExamination:
    """Watches a split as it is scored.

    Args:
        task: its class and settings.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.objects = ObjectTally()
        self.watchers: Sequence[Watcher] = [self.objects]

    def finish(
        self,
        counted: Counted,
        units: Sequence[str],
        groups: Sequence[str],
        *,
        columns: Mapping[str, object],
        seed: int,
    ) -> Examined:
        """Tables and plots."""
        true_objects, rows = self.objects.finish()
        bounds = _intervals(counted, units, groups, seed)
        scores = self.task.scorer.scores(counted.counts, units)
        sizes: Row = {}
        for quartile in recall_by_area(true_objects):
            sizes[f"recall_q{quartile.quartile}"] = quartile.recall
        limits = {
            f"{name}_{side}": value
            for name, (low, high) in bounds.items()
            for side, value in (("low", low), ("high", high))
        }
        every: Row = {**columns, **limits, **sizes, **self.task.settings, "loss": counted.loss}
        return Examined(
            columns=CLASS_COLUMNS,
            rows=[{"class": name, **values, **every} for name, values in scores.items()],
            image_columns=IMAGE_COLUMNS,
            extras={},
            certain=not np.isnan(bounds["ap50"][0]),
            plots=partial(_plots, counted, rows),
            tables={"objects.csv": (OBJECT_COLUMNS, rows)},
        )


def _intervals(
    counted: Counted, units: Sequence[str], groups: Sequence[str], seed: int
) -> dict[str, tuple[float, float]]:
    """What is resampled are groups: of scores of all objects together, their counts."""
    _, counts_GC = sum_by_group(counted.counts, groups)
    found = sum_intervals(counts_GC, pooled, seed=seed)
    of = {name: lambda counts, name=name: each(counts, name)[:, None] for name in BY_UNIT}
    for name, bounds in unit_intervals(counted.counts, units, groups, of, seed=seed).items():
        low, high = bounds[-1].tolist()
        found[name] = low, high
    return {name: found[name] for name in INTERVALS}


def _plots(
    counted: Counted, objects: Mapping[int, Sequence[Row]], folder: Path, title: str
) -> None:
    """AP over the IoU that a match must have; how many there are and were found, and how large."""
    total = counted.counts.sum(axis=0)
    precision_plot(folder / "precision.png", pooled(total), title=title)
    true, found = (counted.counts[:, COUNTS.index(name)] for name in ("true", "found"))
    counts_plot(folder / "counts.png", true, found, title=title)
    areas: dict[object, list[object]] = {"true": [], "found": []}
    for row in (row for several in objects.values() for row in several):
        areas[row["kind"]].append(row["area"])
    sizes = (np.array(areas[kind], np.int64) for kind in ("true", "found"))
    areas_plot(folder / "areas.png", *sizes, title=title)
