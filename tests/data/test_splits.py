"""Splits: disjoint by group, drawn from the seed alone, balanced, and what they refuse."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segkit.core.contracts import SPLITS, UNLABELLED, Record
from segkit.core.errors import SegkitError
from segkit.data.splits import SplitSpec, assign_splits


def patients(count: int, *, slices: int = 3, strata: Sequence[str] = ("x",)) -> list[Record]:
    """``count`` groups of 1 … ``slices`` records; group k has stratum k modulo their number."""
    return [
        Record(
            f"p{group}_{number}",
            f"p{group}",
            f"{group}/{number}.png",
            ("m.png",),
            stratum=strata[group % len(strata)],
        )
        for group in range(count)
        for number in range(1 + group % slices)
    ]


def homes(records: Sequence[Record], splits: dict[str, str]) -> dict[str, set[str]]:
    """The splits in which each group lies."""
    found: dict[str, set[str]] = {}
    for record in records:
        found.setdefault(record.group, set()).add(splits[record.id])
    return found


def sizes(records: Sequence[Record], splits: dict[str, str]) -> Counter[str]:
    """How many groups each split has, when no group is divided."""
    return Counter(split for (split,) in homes(records, splits).values())


def test_groups_are_never_divided_and_every_record_has_a_split() -> None:
    shares = [(0.15, 0.15), (0.25, 0.0), (0.4, 0.3), (0.01, 0.01)]
    for count, seed, (val, test) in itertools.product((3, 4, 7, 30, 111), range(10), shares):
        records = patients(count, strata=("x", "y", "z"))
        splits = assign_splits(records, SplitSpec(val=val, test=test, seed=seed))
        assert splits.keys() == {record.id for record in records}
        found = sizes(records, splits)
        assert found.keys() == {"train", "val"} | ({"test"} if test else set())
        assert found["val"] == max(1, round(val * count))
        assert found["test"] == (max(1, round(test * count)) if test else 0)


def test_the_seed_alone_decides() -> None:
    records = patients(40, strata=("x", "y"))
    drawn = [assign_splits(records, SplitSpec(seed=seed)) for seed in range(20)]
    np.random.seed(7)  # the global generator must not matter
    assert drawn == [assign_splits(records, SplitSpec(seed=seed)) for seed in range(20)]
    assert len({tuple(sorted(splits.items())) for splits in drawn}) == 20


def test_the_order_of_the_records_does_not_matter() -> None:
    records = patients(20, strata=("x", "y"))
    shuffled = [records[i] for i in np.random.default_rng(0).permutation(len(records))]
    for spec in (SplitSpec(), SplitSpec(folds=4, fold=1), SplitSpec(group_by="image")):
        assert assign_splits(shuffled, spec) == assign_splits(records, spec)


def test_other_groups_of_one_patient_do_not_move_it() -> None:
    records = patients(20)
    more = [*records, replace(records[0], id="p0_extra")]
    assert assign_splits(more, SplitSpec()) == {
        **assign_splits(records, SplitSpec()),
        "p0_extra": assign_splits(records, SplitSpec())["p0_0"],
    }


@pytest.mark.parametrize("count", [20, 33, 100])
def test_strata_are_balanced_within_one_group(count: int) -> None:
    records = patients(count, strata=("x", "x", "x", "y", "z"))
    stratum = {record.group: record.stratum for record in records}
    members = Counter(stratum.values())
    for seed in range(20):
        splits = assign_splits(records, SplitSpec(val=0.2, test=0.2, seed=seed))
        found = Counter((split, stratum[g]) for g, (split,) in homes(records, splits).items())
        for split, name in itertools.product(SPLITS, members):
            fair = members[name] * sizes(records, splits)[split] / count
            assert abs(found[split, name] - fair) <= 1


def test_without_stratify_they_are_not() -> None:
    records = patients(60, slices=1, strata=("x", "y"))

    def validating(seed: int, stratify: bool) -> int:
        splits = assign_splits(records, SplitSpec(seed=seed, stratify=stratify))
        return sum(splits[r.id] == "val" and r.stratum == "x" for r in records)

    assert {validating(seed, True) for seed in range(20)} <= {4, 5}
    assert len({validating(seed, False) for seed in range(20)}) > 3


def test_rare_strata_do_not_stand_in_the_way() -> None:
    for count, strata in (
        (12, "abcdefghijkl"),
        (13, "xxxxxxxxxxxxy"),
        (5, "xxxyz"),
        (9, "xxxxyyyyz"),
    ):
        records = patients(count, strata=strata)
        for spec in (SplitSpec(), SplitSpec(folds=3), SplitSpec(folds=count)):
            assert set(assign_splits(records, spec).values()) == set(SPLITS)


def test_a_group_counts_by_its_commonest_stratum() -> None:
    # Each patient has two slices of one stratum and one of the other.
    records = [
        Record(f"{p}_{n}", str(p), "i", ("m",), stratum="xy"[(p + (n == 2)) % 2])
        for p in range(20)
        for n in range(3)
    ]
    for seed in range(10):
        splits = assign_splits(records, SplitSpec(val=0.2, test=0.2, seed=seed))
        for split in ("val", "test"):
            groups = {int(r.group) for r in records if splits[r.id] == split}
            assert sorted(g % 2 for g in groups) == [0, 0, 1, 1]


@pytest.mark.parametrize(("count", "folds"), [(3, 3), (10, 5), (23, 4), (14, 14)])
def test_folds_test_every_group_once_and_validate_it_once(count: int, folds: int) -> None:
    records = patients(count, strata=("x", "y", "y"))
    roles: dict[str, Counter[str]] = {record.group: Counter() for record in records}
    for fold in range(folds):
        splits = assign_splits(records, SplitSpec(folds=folds, fold=fold, seed=3))
        for group, (split,) in homes(records, splits).items():
            roles[group][split] += 1
        following = assign_splits(records, SplitSpec(folds=folds, fold=(fold + 1) % folds, seed=3))
        validates = {id_ for id_, split in splits.items() if split == "val"}
        assert validates == {id_ for id_, split in following.items() if split == "test"}
    for found in roles.values():
        assert found == {"test": 1, "val": 1, **({"train": folds - 2} if folds > 2 else {})}


def test_folds_are_balanced_within_one_group() -> None:
    records = patients(50, strata=("x", "x", "y"))
    for fold in range(5):
        splits = assign_splits(records, SplitSpec(folds=5, fold=fold))
        tested = {r.group: r.stratum for r in records if splits[r.id] == "test"}
        assert len(tested) == 10
        assert Counter(tested.values())["y"] in (3, 4)


def test_splitting_by_image_leaks_patients() -> None:
    records = patients(20, slices=8)
    splits = assign_splits(records, SplitSpec(group_by="image"))
    divided = [group for group, home in homes(records, splits).items() if len(home) > 1]
    assert len(divided) > 10, "of 20 patients"
    assert Counter(splits.values())["val"] == round(0.15 * len(records))


def test_records_without_a_mask_are_left_aside() -> None:
    records = patients(10)
    bare = [Record(f"bare{n}", "p0", "i") for n in range(5)]
    splits = assign_splits([*bare, *records], SplitSpec())
    assert {splits[record.id] for record in bare} == {UNLABELLED}
    assert {id_: split for id_, split in splits.items() if not id_.startswith("bare")} == (
        assign_splits(records, SplitSpec())
    )
    with pytest.raises(SegkitError, match="no record has a mask"):
        assign_splits(bare, SplitSpec())


@pytest.mark.parametrize(
    ("count", "settings", "what"),
    [
        (1, {"test": 0}, "1 group cannot be divided into 2 parts"),
        (2, {}, "2 groups cannot be divided into 3 parts"),
        (3, {"val": 0.5, "test": 0.45}, "3 groups cannot be divided into 3 parts"),
        (4, {"val": 0.9, "test": 0}, "4 groups cannot be divided into 2 parts"),
        (4, {"folds": 5}, "4 groups cannot be divided into 5 parts"),
    ],
)
def test_too_few_groups(count: int, settings: dict[str, Any], what: str) -> None:
    with pytest.raises(SegkitError, match=what) as caught:
        assign_splits(patients(count), SplitSpec(**settings))
    assert "dataset.split" in caught.value.where


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"val": 0}, "dataset.split.val"),
        ({"val": 0.5, "test": 0.5}, "dataset.split.val"),
        ({"test": -0.1}, "dataset.split.test"),
        ({"val": 15}, "dataset.split.val"),
        ({"folds": 2}, "dataset.split.folds"),
        ({"folds": 5, "fold": 5}, "dataset.split.fold"),
        ({"folds": 5, "fold": -1}, "dataset.split.fold"),
        ({"group_by": "patient"}, "dataset.split.group_by"),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(SegkitError) as caught:
        assign_splits(patients(20), SplitSpec(**settings))
    assert where in caught.value.where
