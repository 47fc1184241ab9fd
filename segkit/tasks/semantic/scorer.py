"""From classes to integer counts, and from counts to scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from segkit.core.contracts import Batch
from segkit.statistics.intervals import mean_where_defined
from segkit.tasks.base import Task
from segkit.tasks.examining import Watcher
from segkit.tasks.outputs import Part, count_each
from segkit.tasks.parts import Row, Scores
from segkit.tasks.semantic.examination import SemanticExamination
from segkit.tasks.semantic.metrics import COUNTS, Counts, Values, confusion_counts, dice, iou, score
from segkit.tasks.semantic.tables import IMAGE_COLUMNS, image_cells
from segkit.tasks.semantic.thresholds import ThresholdFit

_OF_COUNTS = {"dice": dice, "iou": iou}
_ALL = "every validation pixel has been predicted"
_BACKGROUND = f"{_ALL} background: more epochs, loss=dice or loss=tversky, a lower optim.lr"
_FOREGROUND = f"{_ALL} foreground: more epochs, a lower optim.lr, a larger dataset.batch_size"


class SemanticScorer:
    """Counts are (N, K, 4): TP, FP, FN, TN of each record and class, background included.

    Args:
        task: its classes and threshold.
    """

    image_columns: Sequence[str] = IMAGE_COLUMNS

    def __init__(self, task: Task) -> None:
        self.task = task
        self.classes = task.classes

    def none(self) -> Counts:
        """(0, K, 4)."""
        return np.zeros((0, len(self.classes), len(COUNTS)), np.int64)

    def count(
        self, outputs_BKHW: Tensor, batch: Batch, watchers: Iterable[Watcher] = (), *, large: int
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Hold a batch's predicted classes against its ground truth."""
        watchers, decode = list(watchers), self.task.decoder.decode
        if "native" not in batch and not watchers:
            found_BHW = decode(outputs_BKHW)
            counts = confusion_counts(found_BHW, batch["mask_BHW"], len(self.classes))
            return counts, list(found_BHW)
        return count_each(self.count_parts, outputs_BKHW, batch, watchers, large=large)

    def count_parts(
        self, index: int, parts: Iterable[Part], watchers: Iterable[Watcher]
    ) -> tuple[Tensor, Tensor]:
        """The same of one image that comes in bands; each is decoded by itself."""
        counts, answers = [], []
        for outputs_KHW, truth_HW in parts:
            found_HW = self.task.decoder.decode(outputs_KHW[None])[0]
            counts.append(confusion_counts(found_HW[None], truth_HW[None], len(self.classes))[0])
            answers.append(found_HW)
            for watcher in watchers:
                watcher.watch(index, outputs_KHW, found_HW, truth_HW)
        if len(counts) == 1:
            return counts[0], answers[0]
        return torch.stack(counts).sum(dim=0), torch.cat(answers)

    def scores(self, counts: Counts, units: Sequence[str]) -> Scores:
        """See :class:`segkit.tasks.semantic.metrics.Scores`."""
        return {k: asdict(v) for k, v in score(counts, units, self.classes).items()}

    def each(self, counts: Counts, score: str) -> Values:
        """(N,) Dice or IoU of each entry, over its foreground classes where defined."""
        return mean_where_defined(self.by_class(counts, score).T)

    def by_class(self, counts: Counts, score: str) -> Values:
        """(N, K - 1) Dice or IoU of each entry and foreground class."""
        return _OF_COUNTS[score](counts[:, 1:])

    def scalars(self, scores: Scores) -> dict[str, float]:
        """Every score of all classes; the Dice of each one where there are several."""
        known = (*self.task.monitors, "accuracy_all_background")
        scalars = {name: float(scores["all"][name]) for name in known}
        several = [name for name in scores if name != "all"]
        if len(several) > 1:
            scalars |= {f"dice/{name}": scores[name]["dice"] for name in several}
        return {name: value for name, value in scalars.items() if math.isfinite(value)}

    def ranked(self, counts: Counts) -> list[int]:
        """By Dice; of equals those with more wrong pixels are worse, with more found better."""
        dice_N = self.each(counts, "dice")
        found = counts[:, 1:, 0].sum(axis=1)
        wrong = counts[:, 1:, 1:3].sum(axis=(1, 2))
        known = np.flatnonzero(~np.isnan(dice_N)).tolist()
        return sorted(known, key=lambda p: (dice_N[p], -wrong[p], found[p], -p))

    def collapsed(self, counts: Counts) -> str:
        """Whether every pixel is predicted background, or none is."""
        tp, fp, fn, _ = counts[:, 1:].sum(axis=(0, 1))
        background = counts[:, 0].sum(axis=0)
        if tp + fp == 0 and fn > 0:
            return _BACKGROUND
        if background[:2].sum() == 0 and background[2] > 0:
            return _FOREGROUND
        return ""

    def image_cells(self, counts: Counts) -> list[dict[str, Row]]:
        """By foreground class."""
        return [image_cells(counts_K4, self.classes) for counts_K4 in counts]

    def counts_of(self, rows: Sequence[Mapping[str, str]]) -> tuple[tuple[str, ...], Counts]:
        """The foreground classes, and (N, K, 4) of which the background, not in it, is zeros."""
        classes = tuple(dict.fromkeys(row["class"] for row in rows))
        numbers = np.array([[int(row[name]) for name in COUNTS] for row in rows], np.int64)
        # The classes of one image follow each other.
        counts = numbers.reshape(-1, len(classes), len(COUNTS))
        return classes, np.pad(counts, ((0, 0), (1, 0), (0, 0)))

    def fitting(self) -> ThresholdFit:
        """Of the threshold, by Dice."""
        return ThresholdFit()

    def examination(self, *, surface_tolerance: float | None) -> SemanticExamination:
        """Intervals, calibration and surfaces."""
        return SemanticExamination(self.task, surface_tolerance)
