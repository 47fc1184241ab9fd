"""Runs side by side: configurations, their seeds and folds, and what can be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segkit.comparison.checks import check_comparable, common_records
from segkit.comparison.configurations import Configuration, configuration_of, members_of
from segkit.comparison.run_scores import RunScores
from segkit.core.errors import SegkitError, did_you_mean
from segkit.statistics.intervals import RESAMPLES, mean_where_defined
from segkit.statistics.paired import Difference, PairedDifference, holm, paired_difference
from segkit.statistics.seeds import difference_with_seeds
from segkit.statistics.verdict import Verdict, conclusion, verdict
from segkit.tasks.base import Task


@dataclass(frozen=True, slots=True)
class Pair:
    """One configuration compared with the baseline.

    Attributes:
        name: name of the configuration.
        found: by how much its score differs from the baseline's. With several seeds the interval
            takes in what another seed would change.
        effects: effect sizes and p of the scores averaged over seeds.
        p_holm: p after Holm's correction for all comparisons with the baseline.
        verdict: what can be concluded, in a word.
        words: what can be concluded, in a sentence.
    """

    name: str
    found: Difference
    effects: PairedDifference
    p_holm: float
    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What the runs come to, side by side.

    Attributes:
        configurations: all configurations, the baseline first.
        pairs: each of the others compared with the baseline.
        groups: names of the groups, in the order of the scores.
        records: number of records that are scored.
        score: name of the score that is compared.
        unit: what a group is: images or groups.
    """

    configurations: list[Configuration]
    pairs: list[Pair]
    groups: list[str]
    records: int
    score: str
    unit: str

    @property
    def title(self) -> str:
        """The score, as people call it."""
        words = self.configurations[0].runs[0][0].task.words
        return words.title.get(self.score, self.score)


def compare_runs(
    runs: Sequence[RunScores],
    *,
    baseline: str | None,
    score: str | None,
    seed: int,
    common: bool,
) -> Comparison:
    """Compare finished runs.

    Args:
        runs: two or more.
        baseline: name, or part of the name, of the configuration that the others are compared
            with; None takes the first.
        score: one of their task's headline; None takes the leading one.
        seed: of the resamples.
        common: compare runs of different splits on the records that all of them tested.

    Raises:
        SegkitError: the runs cannot be compared.
    """
    check_comparable(runs, common=common)
    score = _chosen_score(runs[0].task, score)
    members, differing = members_of(runs)
    keep = common_records([folds for seeds in members.values() for folds in seeds], common=common)
    first = next(iter(members.values()))[0]
    group_of = {i: g for run in first for i, g in zip(run.ids, run.groups, strict=True)}
    groups = sorted({group_of[name] for name in keep})
    found = [
        configuration_of(name, differing[name], seeds=seeds, groups=groups, keep=keep, seed=seed)
        for name, seeds in members.items()
    ]
    place = _place(baseline, [each.name for each in found])
    ordered = [found[place], *found[:place], *found[place + 1 :]]
    unit = "groups" if len(groups) < len(keep) else "images"
    return Comparison(
        configurations=ordered,
        pairs=_pairs(ordered, score, seed, unit),
        groups=groups,
        records=len(keep),
        score=score,
        unit=unit,
    )


def _chosen_score(task: Task, given: str | None) -> str:
    if given is None:
        return task.headline[0]
    if given not in task.headline:
        remedy = did_you_mean(given, task.headline)
        raise SegkitError(f"unknown score {given!r}", where="score", remedy=remedy)
    return given


def _place(baseline: str | None, names: Sequence[str]) -> int:
    if baseline is None:
        return 0
    exact = [n for n, name in enumerate(names) if name == str(baseline)]
    places = exact or [n for n, name in enumerate(names) if str(baseline) in name]
    if len(places) != 1:
        raise SegkitError(
            "several configurations are named so" if places else "no configuration is named so",
            where=f"baseline={baseline}",
            remedy=f"{did_you_mean(str(baseline), names)} (names: {'; '.join(names)})",
        )
    return places[0]


def _pairs(ordered: Sequence[Configuration], score: str, seed: int, unit: str) -> list[Pair]:
    values = [each.scores[score] for each in ordered]
    # p of resamples is no smaller than their number allows, and Holm multiplies it.
    resamples = max(RESAMPLES, 800 * len(ordered))
    first_SG, name = values[0], ordered[0].name
    found: list[tuple[Configuration, Difference, PairedDifference]] = []
    for other, second_SG in zip(ordered[1:], values[1:], strict=True):
        means = [mean_where_defined(each) for each in (first_SG, second_SG)]
        effects = paired_difference(means[0], means[1], seed=seed)
        if len(first_SG) == len(second_SG) == 1:
            found.append((other, effects, effects))
            continue
        by_seed = difference_with_seeds(first_SG, second_SG, seed=seed, resamples=resamples)
        found.append((other, by_seed, effects))
    adjusted = holm(np.array([each.p for _, each, _ in found])) if found else np.array([])
    return [
        Pair(
            name=other.name,
            found=each,
            effects=effects,
            p_holm=float(p),
            verdict=verdict(each, float(p)),
            words=conclusion(each, float(p), first=name, second=other.name, unit=unit),
        )
        for (other, each, effects), p in zip(found, adjusted, strict=True)
    ]
