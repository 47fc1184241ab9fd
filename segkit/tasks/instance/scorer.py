"""From labels to integer counts, and from counts to scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from segkit.core.contracts import Batch
from segkit.core.errors import SegkitError
from segkit.tasks.base import Task
from segkit.tasks.examining import Watcher
from segkit.tasks.instance import metrics
from segkit.tasks.instance.examination import InstanceExamination, ObjectTally
from segkit.tasks.instance.fitting import DecoderFit
from segkit.tasks.instance.matching import COUNTS, count, match
from segkit.tasks.instance.metrics import Counts, Values
from segkit.tasks.instance.tables import IMAGE_COLUMNS, image_cells
from segkit.tasks.outputs import Part, count_each
from segkit.tasks.parts import Row, Scores

_PLACE = {name: place for place, name in enumerate(COUNTS)}
_NONE = (
    "no object has been found in validation: more epochs, another optim.lr, a lower seed_threshold"
)


class InstanceScorer:
    """Counts are (N, C): of each record what :data:`COUNTS` names.

    Args:
        task: its class and its decoder.
    """

    image_columns: Sequence[str] = IMAGE_COLUMNS

    def __init__(self, task: Task) -> None:
        self.task = task

    def none(self) -> Counts:
        """(0, C)."""
        return np.zeros((0, len(COUNTS)), np.int64)

    def count(
        self, outputs_BKHW: Tensor, batch: Batch, watchers: Iterable[Watcher] = (), *, large: int
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Hold a batch's objects against its labels."""
        return count_each(self.count_parts, outputs_BKHW, batch, list(watchers), large=large)

    def count_parts(
        self, index: int, parts: Iterable[Part], watchers: Iterable[Watcher]
    ) -> tuple[Tensor, Tensor]:
        """The same of one image that comes in bands; its labels are held whole."""
        truths, outputs, watchers = [], [], list(watchers)
        # Of a large image they are the most by far, and what became of objects needs none.
        held = not all(isinstance(watcher, ObjectTally) for watcher in watchers)

        def bands() -> Iterable[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
            for outputs_KHW, truth_HW in parts:
                truths.append(truth_HW.cpu())
                if held:
                    outputs.append(outputs_KHW.cpu())
                yield outputs_KHW.float().cpu().numpy()

        answers = self.task.decoder.answers(bands(), maps=False)
        found_HW = torch.from_numpy(np.concatenate([answer for _, answer in answers]))
        truth_HW = torch.cat(truths)
        outputs_KHW = torch.cat(outputs, dim=1) if held else torch.zeros(0)
        del outputs[:]
        matching = match(truth_HW.numpy(), found_HW.numpy())
        for watcher in watchers:
            if isinstance(watcher, ObjectTally):
                watcher.add(index, matching, truth_HW.numpy(), found_HW.numpy())
            else:
                watcher.watch(index, outputs_KHW, found_HW, truth_HW)
        return torch.from_numpy(count(matching)), found_HW

    def scores(self, counts: Counts, units: Sequence[str]) -> Scores:
        """See :mod:`segkit.tasks.instance.metrics`; there is one class."""
        found = metrics.scores(counts, units)
        return {self.task.classes[1]: found, "all": dict(found)}

    def each(self, counts: Counts, score: str) -> Values:
        """(N,) of each entry."""
        return metrics.each(counts, score)

    def by_class(self, counts: Counts, score: str) -> Values:
        """(N, 1): there is one class."""
        return metrics.each(counts, score)[:, None]

    def scalars(self, scores: Scores) -> dict[str, float]:
        """Every score that may be monitored, and the counts."""
        known = (*self.task.monitors, "count_error", "count_bias", "merged_share", "split_share")
        scalars = {name: float(scores["all"][name]) for name in known}
        return {name: value for name, value in scalars.items() if math.isfinite(value)}

    def ranked(self, counts: Counts) -> list[int]:
        """By AP at 0.5; of equals those with more objects missed and invented are worse."""
        ap_N = self.each(counts, "ap50_image")
        matches = counts[:, _PLACE["tp_50"]]
        wrong = counts[:, _PLACE["true"]] + counts[:, _PLACE["found"]] - 2 * matches
        known = np.flatnonzero(~np.isnan(ap_N)).tolist()
        return sorted(known, key=lambda p: (ap_N[p], -wrong[p], matches[p], -p))

    def collapsed(self, counts: Counts) -> str:
        """Whether no object is found in any image."""
        total = counts.sum(axis=0)
        return _NONE if total[_PLACE["true"]] and not total[_PLACE["found"]] else ""

    def image_cells(self, counts: Counts) -> list[dict[str, Row]]:
        """Of the one class."""
        return [{self.task.classes[1]: row} for row in image_cells(counts)]

    def counts_of(self, rows: Sequence[Mapping[str, str]]) -> tuple[tuple[str, ...], Counts]:
        """The class, and (N, C)."""
        classes = tuple(dict.fromkeys(row["class"] for row in rows))
        counts = np.array([[int(row[name]) for name in COUNTS] for row in rows], np.int64)
        return classes, counts.reshape(len(rows), len(COUNTS))

    def fitting(self) -> DecoderFit:
        """Of what the task has as ``auto``: thresholds and area by AP, the halo by heights."""
        return DecoderFit(self.task)

    def examination(self, *, surface_tolerance: float | None) -> InstanceExamination:
        """Intervals, and what became of each object."""
        if surface_tolerance is not None:
            raise SegkitError(
                "distances of outlines are measured of class masks, not of objects",
                where="surface=true",
                remedy="leave it out; sq is the mean IoU of the objects that match",
            )
        return InstanceExamination(self.task)
