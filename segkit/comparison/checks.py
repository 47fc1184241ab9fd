"""Which runs may be set side by side."""

from collections.abc import Sequence

from segkit.comparison.run_scores import RunScores
from segkit.core.errors import SegkitError

_SHOWN = 3


def check_comparable(runs: Sequence[RunScores], *, common: bool) -> None:
    """Refuse runs whose scores are not of the same thing.

    Args:
        runs: to be compared.
        common: whether runs of different splits are compared on what all of them tested.

    Raises:
        SegkitError: fewer than two runs; other data, classes, units, sizes or splits.
    """
    if len(runs) < 2:
        raise SegkitError(
            "one run alone cannot be compared",
            where=str(runs[0].folder) if runs else "runs",
            remedy="name two runs or more: runs=[DIR,DIR], or the folder of a sweep",
        )
    twice = [run.folder for n, run in enumerate(runs) if run.folder in [r.folder for r in runs[:n]]]
    if twice:
        raise SegkitError(
            "this run is named twice", where=str(twice[0]), remedy="name each run once"
        )
    for what, values in (
        ("tasks", [run.task.name for run in runs]),
        ("data sets", [str(run.summary.get("data", {}).get("name")) for run in runs]),
        ("classes", [", ".join(run.classes) for run in runs]),
        ("units of a score (dataset.score_by)", ["group" if r.by_group else "image" for r in runs]),
        ("sizes (dataset.score_at)", [str(r.config["dataset"]["score_at"]) for r in runs]),
    ):
        _same(what, values, runs, remedy="compare runs of one data set, scored alike")
    if not common:
        _same_splits(runs)


def _same(what: str, values: Sequence[str], runs: Sequence[RunScores], *, remedy: str) -> None:
    different = sorted(set(values))
    if len(different) > 1:
        first = [runs[values.index(value)].folder for value in different[:_SHOWN]]
        raise SegkitError(
            f"the runs are of different {what}: {'; '.join(different[:_SHOWN])}",
            where=", ".join(str(folder) for folder in first),
            remedy=remedy,
        )


def _same_splits(runs: Sequence[RunScores]) -> None:
    """One hash; of cross-validations one for each fold."""
    by_fold: dict[int | None, list[RunScores]] = {}
    for run in runs:
        by_fold.setdefault(run.fold, []).append(run)
    if None in by_fold and len(by_fold) > 1:
        raise SegkitError(
            "some runs are folds of a cross-validation, and some are not",
            where=", ".join(str(by_fold[fold][0].folder) for fold in list(by_fold)[:2]),
            remedy="compare folds with folds",
        )
    for same_fold in by_fold.values():
        _same(
            "splits",
            [str(run.summary.get("split_hash")) for run in same_fold],
            same_fold,
            remedy="train them on one split (dataset.split.seed, or dataset.split.file=SPLIT.csv), "
            "or compare what all of them tested: common=true",
        )


def common_records(tests: Sequence[Sequence[RunScores]], *, common: bool) -> set[str]:
    """Ids of the records that are compared.

    Args:
        tests: for each configuration and seed its run, or its folds.
        common: take what all tested; otherwise all must have tested the same.

    Raises:
        SegkitError: folds are missing or overlap, or no record was tested by all.
    """
    tested = []
    for folds in tests:
        ids = [name for run in folds for name in run.ids]
        if len(set(ids)) != len(ids):
            raise SegkitError(
                "folds of one cross-validation share test records",
                where=", ".join(str(run.folder) for run in folds[:_SHOWN]),
                remedy="compare folds of one split: the same folds and dataset.split.seed",
            )
        tested.append(set(ids))
    shared = set.intersection(*tested)
    lacking = [folds for folds, ids in zip(tests, tested, strict=True) if ids != shared]
    if (lacking and not common) or not shared:
        raise SegkitError(
            "not all runs tested the same records"
            if shared
            else "no record was tested by all of the runs",
            where=", ".join(str(folds[0].folder) for folds in (lacking or tests)[:_SHOWN]),
            remedy="finish the missing folds or seeds, or compare what all tested: common=true"
            if shared
            else "compare runs of one split",
        )
    _same_groups(tests, shared)
    _same_truths(tests, shared)
    return shared


def _same_truths(tests: Sequence[Sequence[RunScores]], shared: set[str]) -> None:
    """Their images may be of another kind, but what is found in them is compared with one truth."""
    first: dict[str, tuple[str, RunScores]] = {}
    for run in (run for folds in tests for run in folds):
        for name, truth in zip(run.ids, run.truths, strict=True):
            if name not in shared or not truth:
                continue
            known, other = first.setdefault(name, (truth, run))
            if known != truth:
                raise SegkitError(
                    f"record {name} was scored with another ground truth in each of these runs",
                    where=f"{other.folder}, {run.folder}",
                    remedy="compare runs that were tested on the same data, not on others of the "
                    "same names: train one of them anew with the dataset.root of the other",
                )


def _same_groups(tests: Sequence[Sequence[RunScores]], shared: set[str]) -> None:
    group_of: dict[str, str] = {}
    for run in (run for folds in tests for run in folds):
        for name, group in zip(run.ids, run.groups, strict=True):
            if name in shared and group_of.setdefault(name, group) != group:
                raise SegkitError(
                    f"record {name} is of group {group_of[name]} in one run, and {group} here",
                    where=str(run.folder),
                    remedy="compare runs whose data were grouped alike",
                )
