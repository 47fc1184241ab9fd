"""Who trains, who validates, who tests: drawn once, disjoint by group, written to ``split.csv``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from segkit.core.contracts import UNLABELLED, Record
from segkit.core.errors import SegkitError, did_you_mean
from segkit.data.split_draws import draw_counts, draw_fold
from segkit.data.split_file import read_split
from segkit.data.split_units import left_out, majority, units_of


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How records are divided.

    Attributes:
        file: a saved ``split.csv`` to read back, groups included; everything else is then ignored.
        published: use the split that the data set's own folders give, where they do. A
            validation or test part that they do not give is drawn from their training part.
        val: share of groups, 0 to 1, that validate.
        test: share of groups, 0 to 1, that test.
        folds: number of folds, or None for one split by shares. ``each``: a fold for each value
            of ``group_by``, which is then left out: it tests alone, and a share ``val`` of the
            other groups validates.
        fold: which fold tests, 0 … folds-1; the next one validates.
        group_by: what is not divided: ``group``, ``stratum``, or a column that the data have, such
            as a hospital; ``image`` divides groups (patients and fields then leak).
        stratify: balance over strata.
        seed: the same seed gives the same split.
    """

    file: str | None = None
    published: bool = True
    val: float = 0.15
    test: float = 0.15
    folds: int | Literal["each"] | None = None
    fold: int = 0
    group_by: str = "group"
    stratify: bool = True
    seed: int = 0


def tested_alone(records: Sequence[Record], spec: SplitSpec) -> str | None:
    """The stratum, hospital or other group that a fold of ``each`` leaves out of training."""
    if spec.folds != "each" or spec.file is not None:
        return None
    return left_out(records, spec.group_by, spec.fold)[0]


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
    _check_column(labelled, spec)
    chosen |= _draw(labelled, spec) if spec.file is None else read_split(Path(spec.file), labelled)
    if spec.group_by != "image":
        _prove_disjoint(labelled, chosen, spec)
    return chosen


def _check_spec(spec: SplitSpec) -> None:
    if spec.folds == "each":
        _check_shares(spec.val, 0)
    elif spec.folds is None:
        _check_shares(spec.val, spec.test)
    elif spec.folds < 3 or not 0 <= spec.fold < spec.folds:
        raise SegkitError(
            f"fold {spec.fold} of {spec.folds} does not exist",
            where="dataset.split.fold, dataset.split.folds",
            remedy="at least 3 folds (one tests, one validates), numbered from 0",
        )


def _check_column(records: Sequence[Record], spec: SplitSpec) -> None:
    columns = sorted({key for record in records for key, value in record.facts.items() if value})
    known = ["group", "image", *["stratum"] * any(r.stratum for r in records), *columns]
    if spec.group_by not in known:
        raise SegkitError(
            f"no record has a {spec.group_by!r} to split by",
            where=f"dataset.split.group_by={spec.group_by}",
            remedy=did_you_mean(spec.group_by, known),
        )


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
    if spec.folds == "each":
        tested = dict.fromkeys(
            (record.id for record in left_out(records, spec.group_by, spec.fold)[1]), "test"
        )
        rest = [record for record in records if record.id not in tested]
        kept = replace(spec, folds=None, test=0.0, group_by="group", published=False)
        return _draw(rest, kept) | tested
    units = units_of(pool, spec.group_by)
    names = sorted(units)
    strata = [majority(units[name], "stratum") for name in names]
    if not spec.stratify:
        strata = [""] * len(names)
    if spec.folds is not None:
        parts = {str(fold): 1 for fold in range(1, spec.folds)}
        _check_enough(records, pool, spec, parts)
        drawn = draw_fold(names, strata, spec.folds, spec.fold, spec.seed)
    else:
        shares = {s: getattr(spec, s) for s in missing if getattr(spec, s) > 0}
        counts = {split: max(1, round(share * len(names))) for split, share in shares.items()}
        _check_enough(records, pool, spec, counts)
        drawn = draw_counts(names, strata, counts, spec.seed)
    return fixed | {record.id: drawn[name] for name in names for record in units[name]}


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
    groups, images = len(units_of(pool, spec.group_by)), len(pool)
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
    if len(pool) < len(records) and len(units_of(records, spec.group_by)) >= 3:
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
