"""What a run's test came to, image by image, as its tables keep it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.core.shell import command
from segkit.core.tables import read_table
from segkit.runs.saved import SavedRun, open_run
from segkit.statistics.intervals import mean_where_defined
from segkit.tasks.base import Task
from segkit.tasks.named import build_task
from segkit.tasks.tally import sum_by_group

Values = NDArray[np.float64]
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class RunScores:
    """A run that was tested.

    Attributes:
        run: its folder, opened.
        summary: of its training.
        classes: foreground classes.
        ids: of the N records that were tested.
        groups: of each.
        counts: (N, …) int64, of each record; see :meth:`segkit.tasks.base.Scorer.counts_of`.
    """

    run: SavedRun
    summary: dict[str, Any]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.run.folder.path

    @property
    def config(self) -> dict[str, Any]:
        """As it was run."""
        return self.run.config

    @property
    def task(self) -> Task:
        """What it learnt."""
        return _task(self.config, self.classes)

    @property
    def seed(self) -> int:
        """Of the training."""
        return int(self.config["seed"])

    @property
    def fold(self) -> int | None:
        """Of a cross-validation; None for any other split."""
        split = self.config["dataset"]["split"]
        return int(split["fold"]) if split.get("folds") else None

    @property
    def by_group(self) -> bool:
        """Whether a score is of a group's pixels together, or of each image."""
        return bool(self.config["dataset"]["score_by"] == "group")

    def metrics(self) -> list[dict[str, float]]:
        """``metrics.csv``, a row an epoch; empty where it is missing."""
        path = RunFolder(self.folder).metrics
        if not path.is_file():
            return []
        rows = read_table(path)
        return [{key: float(value or "nan") for key, value in row.items()} for row in rows]


def read_scores(folder: Path, allow_targets: Sequence[str] = ()) -> RunScores:
    """Read a finished run.

    Args:
        folder: of the run.
        allow_targets: further prefixes that a ``_target_`` of the run may start with.

    Raises:
        SegkitError: not a run, not finished, not scored on its test split, or scored otherwise
            since.
    """
    saved = open_run(folder, allow_targets)
    run = saved.folder
    summary = run.read_summary()
    if not summary.get("test"):
        raise SegkitError(
            "this run has not been tested",
            where=str(run.path),
            remedy=f"finish it: {command('train', f'resume={run.path}')}",
        )
    path = run.images
    again = command("evaluate", f"run={run.path}")
    if not path.is_file():
        raise SegkitError("its images' scores are missing", where=str(path), remedy=again)
    try:
        rows = read_table(path)
        found = _from_rows(saved, summary, rows)
        leading = found.task.headline[0]
        own, now = float(summary["test"]["all"][leading] or math.nan), _own_score(found)
    except (KeyError, ValueError, IndexError) as error:
        raise SegkitError(
            f"its images' scores cannot be read, or are not of the test split ({error})",
            where=str(path),
            remedy=again,
        ) from error
    if abs(now - own) > _ROUNDING:
        raise SegkitError(
            f"its images were scored otherwise since: {leading} {now:.4f}, and {own:.4f} when "
            "training ended",
            where=str(path),
            remedy=f"score it as it was trained: {again}",
        )
    return found


def _own_score(run: RunScores) -> float:
    """As in ``summary.json``."""
    units = run.groups if run.by_group else run.ids
    return run.task.scorer.overall(run.counts, units, run.task.headline[0])


def _task(config: Mapping[str, Any], classes: Sequence[str]) -> Task:
    """By the classes of the table: the data set need not be there any more."""
    return build_task(config, ("background", *classes))


def _from_rows(
    run: SavedRun,
    summary: dict[str, Any],
    rows: Sequence[dict[str, str]],
) -> RunScores:
    other = {row["split"] for row in rows} - {"test"}
    if other or not rows:
        raise ValueError(f"rows of {', '.join(sorted(other)) or 'no record'}")
    named = tuple(dict.fromkeys(row["class"] for row in rows))
    classes, counts = _task(run.config, named).scorer.counts_of(rows)
    first = [row for row in rows if row["class"] == classes[0]]
    return RunScores(
        run=run,
        summary=summary,
        classes=classes,
        ids=tuple(row["id"] for row in first),
        groups=tuple(row["group"] for row in first),
        counts=counts,
    )


def group_scores(
    runs: Sequence[RunScores], names: Sequence[str], keep: set[str], score: str
) -> Values:
    """(G,) a score of each group, over the classes where it is defined.

    Where images are scored one by one, their mean in each group: images of one patient are not
    independent, and a comparison that took them for so would be too sure.

    Args:
        runs: one, or the folds of a cross-validation, whose tests are of different groups.
        names: the groups, in the order wanted.
        keep: ids of the records that count.
        score: one of the task's headline.
    """
    found: dict[str, float] = {}
    for run in runs:
        each = run.task.scorer.each
        kept = [n for n, name in enumerate(run.ids) if name in keep]
        groups = [run.groups[n] for n in kept]
        if run.by_group:
            known, summed = sum_by_group(run.counts[kept], groups)
            found |= dict(zip(known, each(summed, score), strict=True))
            continue
        values_N = each(run.counts[kept], score)
        for group in set(groups):
            own = values_N[[n for n, name in enumerate(groups) if name == group]]
            found[group] = float(mean_where_defined(own))
    return np.array([found[name] for name in names])


def image_scores(run: RunScores, score: str) -> Values:
    """(N,) a score of each image, over the classes where it is defined; NaN where none is."""
    return run.task.scorer.each(run.counts, score)
