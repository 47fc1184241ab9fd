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
from segkit.tasks.named import judged
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
        truths: checksum of the mask of each; "" where the run kept none.
        task: whose scores these are, with the decoder's settings that they were made with.
    """

    run: SavedRun
    summary: dict[str, Any]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    counts: NDArray[np.int64]
    truths: tuple[str, ...]
    task: Task

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.run.folder.path

    @property
    def config(self) -> dict[str, Any]:
        """As it was run."""
        return self.run.config

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
    def left_out(self) -> str | None:
        """The stratum, hospital or other group that the fold tests by itself."""
        name = self.summary.get("data", {}).get("left_out")
        return None if name is None else str(name)

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


def read_scores(
    folder: Path, allow_targets: Sequence[str] = (), judge: str | None = None
) -> RunScores:
    """Read a finished run.

    Args:
        folder: of the run.
        allow_targets: further prefixes that a ``_target_`` of the run may start with.
        judge: the task whose scores to read, where it is not the run's own.

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
    tables = run.judged(judge) if judge else run
    again = command("evaluate", f"run={run.path}", *([f"score_as={judge}"] if judge else []))
    if not tables.images.is_file():
        what = "its images' scores are missing"
        what = f"{what}: it is no run of task={judge}" if judge else what
        raise SegkitError(what, where=str(tables.images), remedy=again)
    try:
        told = _judged_row(tables, summary) if judge else summary["test"]["all"]
        found = _from_rows(saved, summary, tables, judge, told)
        leading = found.task.headline[0]
        own = math.nan if told[leading] in (None, "") else float(told[leading])
    except (KeyError, ValueError, IndexError, TypeError, OSError) as error:
        raise SegkitError(
            f"its images' scores cannot be read, or are not of the test split ({error})",
            where=str(tables.images),
            remedy=again,
        ) from error
    now = float(mean_score(unit_scores([found], set(found.ids), leading)[1]))
    if not (math.isnan(now) and math.isnan(own)) and not abs(now - own) <= _ROUNDING:
        raise SegkitError(
            f"its images were scored otherwise since: {leading} {now:.4f}, and {own:.4f} "
            f"{'in evaluation.csv' if judge else 'when training ended'}",
            where=str(tables.images),
            remedy=f"score it {'anew' if judge else 'as it was trained'}: {again}",
        )
    return found


def _judged_row(tables: RunFolder, summary: Mapping[str, Any]) -> dict[str, str]:
    """Of all classes, in ``evaluation.csv``."""
    (row,) = (row for row in read_table(tables.evaluation) if row["class"] == "all")
    if row["split_hash"] != summary.get("split_hash"):
        raise ValueError(f"of split {row['split_hash']}, and trained on another")
    return row


def _from_rows(
    run: SavedRun,
    summary: dict[str, Any],
    tables: RunFolder,
    judge: str | None,
    told: Mapping[str, Any],
) -> RunScores:
    rows = read_table(tables.images)
    other = {row["split"] for row in rows} - {"test"}
    if other or not rows:
        raise ValueError(f"rows of {', '.join(sorted(other)) or 'no record'}")
    named = tuple(dict.fromkeys(row["class"] for row in rows))
    # By the classes of the table: the data set need not be there any more.
    task = judged(run.task_of(("background", *named)), judge)
    if judge:
        task = task.with_settings({key: _number(told[key]) for key in task.settings})
        scores = {name: _number(told[name]) for name in task.headline}
        summary = {**summary, "test": {"all": scores}}
    classes, counts = task.scorer.counts_of(rows)
    first = [row for row in rows if row["class"] == classes[0]]
    known = tables.read_checksums() or {}
    return RunScores(
        run=run,
        summary=summary,
        classes=classes,
        ids=tuple(row["id"] for row in first),
        groups=tuple(row["group"] for row in first),
        counts=counts,
        truths=tuple(known[row["id"]].mask if row["id"] in known else "" for row in first),
        task=task,
    )


def _number(cell: str) -> float | None:
    if not cell:
        return None
    return int(cell) if cell.isdecimal() else float(cell)


def unit_scores(runs: Sequence[RunScores], keep: set[str], score: str) -> tuple[list[str], Values]:
    """A score of each unit and foreground class, as ``evaluation.csv`` averages them.

    A unit is an image, or with ``score_by=group`` all images of a group together.

    Args:
        runs: one, or the folds of a cross-validation, whose tests are taken for one.
        keep: ids of the records that count.
        score: one of the task's headline.

    Returns:
        The group of each unit, and (U, K) the scores; units are in the order of their names.
    """
    kept = [(run, n) for run in runs for n, name in enumerate(run.ids) if name in keep]
    units = [(run.groups if run.by_group else run.ids)[n] for run, n in kept]
    group_of = {unit: run.groups[n] for unit, (run, n) in zip(units, kept, strict=True)}
    names, summed = sum_by_group(np.stack([run.counts[n] for run, n in kept]), units)
    return [group_of[name] for name in names], runs[0].task.scorer.by_class(summed, score)


def mean_score(values_UK: Values) -> Values:
    """The row ``all`` of ``evaluation.csv``: over units, and then over classes."""
    return mean_where_defined(mean_where_defined(values_UK))


def group_scores(groups_U: Sequence[str], values_UK: Values, names: Sequence[str]) -> Values:
    """(G,) a score of each group, over the classes where it is defined.

    Where images are scored one by one, their mean in each group: images of one patient are not
    independent, and a comparison that took them for so would be too sure.

    Args:
        groups_U: the group of each unit.
        values_UK: from :func:`unit_scores`.
        names: the groups, in the order wanted.
    """
    values_U = mean_where_defined(values_UK.T)
    known, index_U = np.unique(np.array(groups_U, dtype=str), return_inverse=True)
    sums_G = np.bincount(index_U, np.nan_to_num(values_U))
    with np.errstate(invalid="ignore"):
        means_G = sums_G / np.bincount(index_U, ~np.isnan(values_U))
    found = dict(zip(known.tolist(), means_G, strict=True))
    return np.array([found[name] for name in names])


def image_scores(run: RunScores, score: str) -> Values:
    """(N,) a score of each image, over the classes where it is defined; NaN where none is."""
    return run.task.scorer.each(run.counts, score)
