"""Which classes the parts of a split hold, and another split that holds them all.

A network learns no class that training lacks, and no class that validation lacks has a say in
which epoch is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from segkit.core.contracts import SPLITS, Problem, Record, Truth
from segkit.core.errors import SegkitError
from segkit.data.split_units import fold_count
from segkit.data.splits import SplitSpec, assign_splits

if TYPE_CHECKING:
    from segkit.data.datamodule import SegmentationData

Present = Mapping[str, Collection[int]]  # classes by record id; background is 0
Lack = Mapping[int, str]  # names of classes by number

_SEEDS = 50  # that are tried for a better split


def present_in(truth_HW: Truth) -> frozenset[int]:
    """The classes that have a pixel; every label is of the one class that objects have."""
    classes_HW = truth_HW if truth_HW.dtype == np.uint8 else (truth_HW > 0).astype(np.uint8)
    return frozenset(np.flatnonzero(np.bincount(classes_HW.ravel())).tolist())


def lacking(data: SegmentationData, stage: str) -> list[int]:
    """Foreground classes without a pixel in what is trained on or validated, as it is scored.

    Args:
        data: prepared.
        stage: train or val.
    """
    missing = set(range(1, len(data.classes)))
    for index in data.indices(stage):
        if not missing:
            break
        missing -= present_in(data.cache.mask(data.records[index].id))
    return sorted(missing)


def is_blind(data: SegmentationData) -> bool:
    """Whether there are validation images, and not a pixel of foreground in them."""
    return bool(data.indices("val")) and len(lacking(data, "val")) == len(data.classes) - 1


def cautions(data: SegmentationData, *, monitor: str, asked: str | None) -> Iterator[Problem]:
    """What training and validation lack, what follows from it, and what to do about it.

    Args:
        data: prepared.
        monitor: what the best epoch is chosen by.
        asked: what it was to be chosen by, where that needs foreground and there is none.
    """
    for stage, name in (("train", "training"), ("val", "validation")):
        missing, images = lacking(data, stage), len(data.indices(stage))
        blind = len(missing) == len(data.classes) - 1
        # The few that are learnt by heart need not hold every class, and validate too.
        few = bool(data.overfit_batches) and (stage == "val" or not blind)
        if not missing or few:
            continue
        if stage == "val" and not images:
            what = "no image validates, so the last epoch's weights are kept, whatever they are"
            yield Problem(f"dataset.split, {name}", what, _remedy(data, stage, missing))
            continue
        if stage == "train":
            follows = "which the network then cannot learn"
        elif not blind:
            follows = f"so {monitor} chooses the best epoch without it"
        elif asked:
            follows = f"so the best epoch is chosen by {monitor}, not {asked}"
        else:
            follows = f"so {monitor} does not tell how well foreground is found"
        names = " or ".join(repr(data.classes[k]) for k in missing)
        what = f"no pixel of {names} in the {images} {name} images, {follows}"
        yield Problem(f"dataset.split, {name}", what, _remedy(data, stage, missing))


def _remedy(data: SegmentationData, stage: str, missing: Sequence[int]) -> str:
    cache, ids = data.cache, [data.records[i].id for i in data.indices(stage)]
    lost = next((one for one in ids if present_in(cache.native_mask(one)) & {*missing}), None)
    if lost is not None:
        size = list(cache.entries[lost].native)
        return f"its pixels are lost in resizing: 'dataset.size=[{size[0]},{size[1]}]' keeps them"
    records = [r for r in cache.known(data.reader.listing().records) if r.labelled]
    present = {record.id: present_in(cache.mask(record.id)) for record in records}
    lack = {k: data.classes[k] for k in missing}
    return advice(records, present, data.split, [stage], lack)


def advice(
    records: Sequence[Record], present: Present, spec: SplitSpec, parts: Collection[str], lack: Lack
) -> str:
    """What to do where parts of a split lack classes: settings that were tried, or more data.

    Args:
        records: with strata, in the groups of their reader.
        present: of the labelled ones.
        spec: how they were divided.
        parts: that lack the classes.
        lack: the classes, numbers and names.
    """
    labelled, missing = [record for record in records if record.labelled], set(lack)
    every = set(chain.from_iterable(present[record.id] for record in labelled))
    if missing <= every and (better := _better(labelled, present, spec, parts, missing)):
        return f"draw another split: {better}"
    homes = {record.group for record in labelled if missing & {*present[record.id]}}
    groups, absent = len({record.group for record in labelled}), missing - every
    held = "no group" if absent else f"only {len(homes)} of {groups} groups"
    names = " or ".join(repr(lack[k]) for k in sorted(absent or missing))
    return f"see whether the masks are as meant, and add data: {held} has {names}"


def _better(
    records: Sequence[Record],
    present: Present,
    spec: SplitSpec,
    parts: Collection[str],
    missing: Collection[int],
) -> str:
    """Settings of a split each part of which holds every class that there is.

    Failing that, each class in training, some foreground in validation, and what was missing where
    it was.
    """
    every = set(chain.from_iterable(present[record.id] for record in records))
    second = ""
    for settings in _candidates(records, spec):
        try:
            splits = assign_splits(records, replace(spec, **settings))
        except SegkitError:
            continue
        held: dict[str, set[int]] = {part: _held(records, present, splits, part) for part in SPLITS}
        told = " ".join(f"dataset.split.{key}={_typed(value)}" for key, value in settings.items())
        if held["train"] == held["val"] == every and held["test"] in (every, set()):
            return told
        mended = held["val"] - {0} and all(held[part] >= {*missing} for part in parts)
        if not second and held["train"] == every and mended:
            second = told
    return second


def _held(
    records: Iterable[Record], present: Present, splits: Mapping[str, str], split: str
) -> set[int]:
    return set(chain.from_iterable(present[r.id] for r in records if splits[r.id] == split))


def _candidates(records: Sequence[Record], spec: SplitSpec) -> Iterator[dict[str, Any]]:
    """The same way with other seeds or folds first, then without a file, then drawn anew."""
    starts: list[dict[str, Any]] = [{}] if spec.file is None else []
    starts += [{"file": None}] * (spec.file is not None)
    if spec.published and any(record.split for record in records):
        starts.append({**starts[0], "published": False})
    for start in starts:
        if start:
            yield start
        if spec.folds is not None:
            count = fold_count(records, spec.group_by) if spec.folds == "each" else spec.folds
            yield from ({**start, "fold": fold} for fold in range(count) if fold != spec.fold)
        seeds = range(spec.seed + 1, spec.seed + 1 + _SEEDS)
        yield from ({**start, "seed": seed} for seed in seeds)


def _typed(value: object) -> str:
    return "null" if value is None else str(value).lower()
