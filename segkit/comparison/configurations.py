"""Runs that differ in their seed or fold alone, taken together: what they score."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.comparison.names import differing_keys, run_names
from segkit.comparison.run_scores import RunScores, group_scores, mean_score, unit_scores
from segkit.config.keys import REPEATED
from segkit.core.errors import SegkitError
from segkit.statistics.intervals import mean_intervals, mean_where_defined

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Configuration:
    """Runs that differ in their seed or fold alone, taken together.

    Attributes:
        name: what sets it apart from the other configurations.
        differing: the keys that do, and their values.
        runs: for each seed its run, or the runs of its folds.
        scores: for each score (S, G), a value per seed and group; these are compared pair by pair.
        means_S: for each score (S,), a value per seed, which is that of its ``evaluation.csv``:
            the mean over images (or groups, where these are scored), and then over classes.
        intervals: for each score the 95 % interval of the mean over seeds.
        by_class: for each score (K, 3), of each foreground class the mean over seeds, and the
            bounds of its interval.
    """

    name: str
    differing: dict[str, Any]
    runs: tuple[tuple[RunScores, ...], ...]
    scores: dict[str, Values]
    means_S: dict[str, Values]
    intervals: dict[str, tuple[float, float]]
    by_class: dict[str, Values]

    @property
    def folders(self) -> list[Path]:
        """Of all its runs."""
        return [run.folder for seed in self.runs for run in seed]


def members_of(
    runs: Sequence[RunScores],
) -> tuple[dict[str, list[tuple[RunScores, ...]]], dict[str, dict[str, Any]]]:
    """By name: the runs of each seed, a seed's folds together; and what differs, by key."""
    differing = differing_keys([run.config for run in runs])
    own = {key: values for key, values in differing.items() if key not in REPEATED}
    names = run_names(own, len(runs))
    if not own:
        names = ["the configuration"] * len(runs) if _repeats(runs) else run_names({}, len(runs))
    members: dict[str, dict[int, list[RunScores]]] = {}
    for name, run in zip(names, runs, strict=True):
        seeds = members.setdefault(name, {})
        fold = seeds.setdefault(run.seed, [])
        if any(other.fold == run.fold for other in fold):
            raise SegkitError(
                f"two runs are the same: {name}, seed={run.seed}",
                where=f"{fold[0].folder}, {run.folder}",
                remedy="leave one of them out",
            )
        fold.append(run)
    details = {n: {key: own[key][i] for key in own} for i, n in enumerate(names)}
    return {name: [tuple(f) for f in seeds.values()] for name, seeds in members.items()}, details


def _repeats(runs: Sequence[RunScores]) -> bool:
    return len({(run.seed, run.fold) for run in runs}) == len(runs)


def configuration_of(
    name: str,
    differing: dict[str, Any],
    *,
    seeds: list[tuple[RunScores, ...]],
    groups: list[str],
    keep: set[str],
    seed: int,
) -> Configuration:
    """Every score of the runs of one configuration.

    Args:
        name: what sets it apart from the other configurations.
        differing: the keys that do, and their values.
        seeds: for each seed its run, or the runs of its folds.
        groups: names of all groups, in the order wanted.
        keep: ids of the records that count.
        seed: of the resamples.
    """
    by_group: dict[str, Values] = {}
    means: dict[str, Values] = {}
    intervals: dict[str, tuple[float, float]] = {}
    by_class: dict[str, Values] = {}
    for score in seeds[0][0].task.headline:
        found = [unit_scores(folds, keep, score) for folds in seeds]
        units, values_SUK = found[0][0], np.stack([values_UK for _, values_UK in found])
        by_group[score] = np.stack([group_scores(units, each, groups) for each in values_SUK])
        means[score] = np.array([mean_score(values_UK) for values_UK in values_SUK])
        values_UK = mean_where_defined(values_SUK)
        bounds = mean_intervals(values_UK, units, seed=seed)
        intervals[score] = (float(bounds[-1][0]), float(bounds[-1][1]))
        means_K = mean_where_defined(np.stack([mean_where_defined(v) for v in values_SUK]))
        by_class[score] = np.column_stack([means_K, bounds[:-1]])
    return Configuration(
        name=name,
        differing=differing,
        runs=tuple(seeds),
        scores=by_group,
        means_S=means,
        intervals=intervals,
        by_class=by_class,
    )
