"""Who trains, who validates, who tests: drawn once, disjoint by group, written to ``split.csv``."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from segkit.core.contracts import UNLABELLED, Record
from segkit.core.errors import SegkitError, did_you_mean
from segkit.data.split_file import read_split


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How records are divided.

    Attributes:
        file: a saved ``split.csv`` to read back, groups included; everything else is then ignored.
        published: use the split that the data set's own folders give, where they do. A
            validation or test part that they do not give is drawn from their training part.
        val: share of groups, 0 to 1, that validate.
        test: share of groups, 0 to 1, that test.
        folds: number of folds, or None for one split by shares.
        fold: which fold tests, 0 … folds-1; the next one validates.
        group_by: ``group``, or ``image`` to split single images (patients and fields then leak).
        stratify: balance over strata.
        seed: the same seed gives the same split.
    """

    file: str | None = None
    published: bool = True
    val: float = 0.15
    test: float = 0.15
    folds: int | None = None
    fold: int = 0
    group_by: Literal["group", "image"] = "group"
    stratify: bool = True
    seed: int = 0


def assign_splits(records: Sequence[Record], spec: SplitSpec) -> dict[str, str]:
    """Give every record's id its split: train, val, test or unlabelled.

    Args:
        records: with their strata filled in.
        spec: how to divide them.

    Raises:
        SegkitError: there are fewer groups than the split needs, a share or fold is out of
            range, or the saved file does not fit the records.
    """
    _check_spec(spec)
    labelled = [record for record in records if record.labelled]
    chosen = {record.id: UNLABELLED for record in records if not record.labelled}
    if not labelled:
        raise SegkitError(
            "no record has a mask",
            where=f"{len(records)} images of the data set",
            remedy="training and scoring need masks; name a data set that has them",
        )
    chosen |= _draw(labelled, spec) if spec.file is None else read_split(Path(spec.file), labelled)
    if spec.group_by == "group":
        _prove_disjoint(labelled, chosen, spec)
    return chosen


def _check_spec(spec: SplitSpec) -> None:
    if spec.group_by not in ("group", "image"):
        raise SegkitError(
            f"records cannot be split by {spec.group_by!r}",
            where="dataset.split.group_by",
            remedy=did_you_mean(spec.group_by, ["group", "image"]),
        )
    if spec.folds is not None:
        if spec.folds < 3 or not 0 <= spec.fold < spec.folds:
            raise SegkitError(
                f"fold {spec.fold} of {spec.folds} does not exist",
                where="dataset.split.fold, dataset.split.folds",
                remedy="at least 3 folds (one tests, one validates), numbered from 0",
            )
    else:
        _check_shares(spec.val, spec.test)


def _check_shares(val: float, test: float) -> None:
    what = where = ""
    if val <= 0:
        what = f"a share of {val} leaves nothing to validate, by which the best epoch is chosen"
        where, remedy = f"dataset.split.val={val}", "set dataset.split.val=0.15"
    elif test < 0:
        what, where = f"a share of {test} is less than nothing", f"dataset.split.test={test}"
        remedy = "set dataset.split.test=0.15; or, to test nothing, dataset.split.test=0"
    elif val + test >= 1:
        what = f"shares of {val} for validation and {test} for test leave nothing to train on"
        where = "dataset.split.val, dataset.split.test"
        remedy = "set dataset.split.val=0.15 dataset.split.test=0.15"
    if what:
        raise SegkitError(what, where=where, remedy=remedy)


def _draw(records: Sequence[Record], spec: SplitSpec) -> dict[str, str]:
    published = {r.split for r in records if r.split} if spec.published else set()
    if not published or spec.folds is not None:
        missing: tuple[str, ...] = ("val", "test")
        fixed: dict[str, str] = {}
        pool = list(records)
    else:
        missing = tuple(s for s in ("val", "test") if s not in published)
        fixed = {r.id: r.split for r in records if r.split in ("val", "test")}
        pool = [r for r in records if r.id not in fixed]
    units = _units(pool, spec.group_by)
    names = sorted(units)
    strata = [_majority(units[name]) for name in names] if spec.stratify else [""] * len(names)
    if spec.folds is not None:
        parts = {str(fold): 1 for fold in range(1, spec.folds)}
        _check_enough(records, pool, spec, parts)
        drawn = _draw_fold(names, strata, spec)
    else:
        shares = {s: getattr(spec, s) for s in missing if getattr(spec, s) > 0}
        counts = {split: max(1, round(share * len(names))) for split, share in shares.items()}
        _check_enough(records, pool, spec, counts)
        drawn = _draw_counts(names, strata, counts, spec.seed)
    return fixed | {record.id: drawn[name] for name in names for record in units[name]}


def _units(records: Sequence[Record], group_by: str) -> dict[str, list[Record]]:
    units: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        units[record.group if group_by == "group" else record.id].append(record)
    return units


def _majority(records: Sequence[Record]) -> str:
    """The commonest stratum of a group; of equals the first in the alphabet."""
    counts = Counter(record.stratum for record in records)
    return min(counts, key=lambda stratum: (-counts[stratum], stratum))


def _draw_counts(
    names: Sequence[str], strata: Sequence[str], counts: Mapping[str, int], seed: int
) -> dict[str, str]:
    drawn: dict[str, str] = {}
    rest, rest_strata = list(names), list(strata)
    for split, count in counts.items():
        taken, _ = _take(rest, rest_strata, count, seed)
        drawn |= dict.fromkeys(taken, split)
        left = [(n, s) for n, s in zip(rest, rest_strata, strict=True) if n not in drawn]
        rest, rest_strata = [n for n, _ in left], [s for _, s in left]
    return drawn | dict.fromkeys(rest, "train")


def _take(
    names: list[str], strata: list[str], count: int, seed: int
) -> tuple[list[str], list[str]]:
    """``count`` names, each stratum in proportion where it has the members for it."""
    merged = _merge_rare(strata, least=2)
    enough = count >= len(set(merged)) and len(names) - count >= len(set(merged))
    rest, taken = train_test_split(
        names, test_size=count, random_state=seed, stratify=merged if enough else None
    )
    return sorted(taken), sorted(rest)


def _merge_rare(strata: Sequence[str], *, least: int) -> list[str]:
    """Put strata of fewer than ``least`` members together; what stays rare joins the largest."""
    counts = Counter(strata)
    merged = [s if counts[s] >= least else "\0rare" for s in strata]
    counts = Counter(merged)
    largest = max(counts, key=lambda s: (counts[s], s))
    return [s if counts[s] >= least else largest for s in merged]


def _draw_fold(names: list[str], strata: list[str], spec: SplitSpec) -> dict[str, str]:
    assert spec.folds is not None
    merged = _merge_rare(strata, least=spec.folds)
    kind = StratifiedKFold if len(set(merged)) > 1 else KFold
    folds = kind(n_splits=spec.folds, shuffle=True, random_state=spec.seed)
    parts = [indices for _, indices in folds.split(np.zeros(len(names)), merged)]
    drawn = dict.fromkeys(names, "train")
    drawn |= dict.fromkeys((names[i] for i in parts[spec.fold]), "test")
    drawn |= dict.fromkeys((names[i] for i in parts[(spec.fold + 1) % spec.folds]), "val")
    return drawn


def _check_enough(
    records: Sequence[Record], pool: Sequence[Record], spec: SplitSpec, counts: Mapping[str, int]
) -> None:
    """Refuse parts that would be empty.

    Args:
        records: all of them.
        pool: those that are to be divided.
        spec: how.
        counts: groups of each part but training; of folds, of each but one.
    """
    groups, images = len(_units(pool, spec.group_by)), len(pool)
    if sum(counts.values()) < groups:
        return
    needed = len(counts) + 1
    options = ["add data"]
    if spec.folds is not None and groups >= 3:
        options.append(f"ask for fewer folds: dataset.split.folds={groups} dataset.split.fold=0")
    elif counts and spec.folds is None and groups >= needed:
        options.append("set " + " ".join(f"dataset.split.{part}=0.15" for part in counts))
    elif spec.folds is None and "test" in counts and groups == needed - 1:
        options.append("test nothing: dataset.split.val=0.15 dataset.split.test=0")
    if len(pool) < len(records) and len(_units(records, spec.group_by)) >= 3:
        options.append("draw anew: dataset.split.published=false")
    if spec.group_by == "group" and images > groups and images >= needed:
        options.append("let groups leak: dataset.split.group_by=image")
    raise SegkitError(
        f"{groups} group{'s' if groups != 1 else ''} cannot be divided into {needed} parts",
        where="dataset.split (groups are patients for MRI and X-ray, fields of view for nuclei)",
        remedy="; or ".join(options),
    )


def _prove_disjoint(records: Sequence[Record], splits: dict[str, str], spec: SplitSpec) -> None:
    seen: dict[str, str] = {}
    for record in records:
        other = seen.setdefault(record.group, splits[record.id])
        if other != splits[record.id]:
            raise SegkitError(
                f"group {record.group!r} lies in both {other} and {splits[record.id]}",
                where=f"record {record.id}",
                remedy=f"{clean_split(spec)}; or accept the leak: dataset.split.group_by=image",
            )


def clean_split(spec: SplitSpec) -> str:
    """How to draw a split without groups in two parts, as a remedy."""
    settings = (
        "dataset.split.group_by=group " * (spec.group_by != "group"),
        "dataset.split.file=null " * (spec.file is not None),
        "dataset.split.published=false" * spec.published,
    )
    return f"draw a clean split: {''.join(settings).rstrip()}"
