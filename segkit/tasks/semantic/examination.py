"""What an evaluation adds to the counts: intervals, calibration and surfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from segkit.tasks.base import Task
from segkit.tasks.examining import Examined, Watcher
from segkit.tasks.semantic.calibration import Calibration, CalibrationTally
from segkit.tasks.semantic.metrics import dice, iou, score
from segkit.tasks.semantic.plots import histogram, reliability
from segkit.tasks.semantic.surface import SurfaceTally
from segkit.tasks.semantic.tables import CLASS_COLUMNS, IMAGE_COLUMNS, class_rows
from segkit.tasks.tally import Counted, unit_intervals


class SemanticExamination:
    """Watches a split as it is scored.

    Args:
        task: its classes and threshold.
        surface_tolerance: in pixels; None measures no surfaces.
    """

    def __init__(self, task: Task, surface_tolerance: float | None) -> None:
        self.task, self.tolerance = task, surface_tolerance
        self.calibration = CalibrationTally()
        self.surface = SurfaceTally(len(task.classes), surface_tolerance or 0)
        measured: list[Watcher] = [] if surface_tolerance is None else [self.surface]
        self.watchers: Sequence[Watcher] = [self.calibration, *measured]

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
        calibration, surfaces = self.calibration.finish(), self.surface.finish()
        foreground = counted.counts[:, 1:]
        of = {"dice": dice, "iou": iou}
        intervals = unit_intervals(foreground, units, groups, of, seed=seed)
        rows = class_rows(
            score(counted.counts, units, self.task.classes),
            intervals,
            list(surfaces.values()),
            whole={"loss": counted.loss, "ece": calibration.ece},
            every={**columns, "surface_tolerance": self.tolerance, **self.task.settings},
        )
        names = self.task.classes[1:]
        return Examined(
            columns=CLASS_COLUMNS,
            rows=rows,
            image_columns=IMAGE_COLUMNS,
            extras={
                index: {
                    name: {"hd95": hd95, "surface_dice": near}
                    for name, (hd95, near) in zip(names, found.tolist(), strict=True)
                }
                for index, found in surfaces.items()
            },
            certain=not np.isnan(intervals["dice"][-1, 0]),
            plots=partial(_plots, self.task, counted, calibration),
        )


def _plots(
    task: Task, counted: Counted, calibration: Calibration, folder: Path, title: str
) -> None:
    """How the images' Dice spread, and whether the probabilities hold."""
    dice_NK = dice(counted.counts)
    by_class = {name: dice_NK[:, k] for k, name in enumerate(task.classes) if k}
    histogram(folder / "scores.png", by_class, title=title)
    reliability(folder / "reliability.png", calibration, binary=len(task.classes) == 2)
