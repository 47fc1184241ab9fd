"""Folds of ``each``: a stratum, hospital or patient tests, and nothing of it trains."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.data.split_units import fold_count, left_out
from segkit.data.splits import SplitSpec, assign_splits


def slices(hospitals: Sequence[str], patients: int = 4) -> list[Record]:
    """Of each hospital so many patients, of two slices each; the scanner is another fact."""
    return [
        Record(
            f"{hospital}{patient}_{number}",
            f"{hospital}{patient}",
            "i.png",
            ("m.png",),
            stratum=hospital,
            facts={"scanner": "old" if patient % 2 else "new"},
        )
        for hospital in hospitals
        for patient in range(patients)
        for number in range(2)
    ]


@pytest.mark.parametrize("hospitals", [("a", "b"), ("a", "b", "c"), ("b", "", "a")])
def test_each_hospital_is_left_out_once(hospitals: Sequence[str]) -> None:
    records = slices(hospitals)
    spec = SplitSpec(folds="each", group_by="stratum", val=0.25)
    assert fold_count(records, "stratum") == len(hospitals)
    for fold, name in enumerate(sorted(hospitals)):
        splits = assign_splits(records, replace(spec, fold=fold))
        homes = {(record.stratum, splits[record.id]) for record in records}
        assert {stratum for stratum, split in homes if split == "test"} == {name}
        assert {split for stratum, split in homes if stratum == name} == {"test"}
        assert {split for _, split in homes} == {"train", "val", "test"}
        held = {record.group for record in records if splits[record.id] == "val"}
        assert len(held) == max(1, round(0.25 * 4 * (len(hospitals) - 1))), "a share of patients"


def test_any_column_of_the_data_and_single_patients() -> None:
    records = slices(("a", "b"))
    splits = assign_splits(records, SplitSpec(folds="each", group_by="scanner", fold=1))
    tested = {record.facts["scanner"] for record in records if splits[record.id] == "test"}
    assert tested == {"old"}
    splits = assign_splits(records, SplitSpec(folds="each", fold=2))
    assert {record.group for record in records if splits[record.id] == "test"} == {"a2"}
    assert fold_count(records, "group") == 8


def test_a_patient_of_two_hospitals_is_not_divided() -> None:
    records = slices(("a", "b"))
    moved = [replace(r, stratum="b") if r.id == "a0_1" else r for r in records]
    splits = assign_splits(moved, SplitSpec(folds="each", group_by="stratum", fold=0))
    assert splits["a0_0"] == splits["a0_1"] == "test"


def test_hospitals_as_units_of_ordinary_splits() -> None:
    records = slices("abcdefgh")
    for spec in (SplitSpec(group_by="stratum"), SplitSpec(group_by="stratum", folds=4, fold=3)):
        splits = assign_splits(records, spec)
        homes = {record.stratum: set[str]() for record in records}
        for record in records:
            homes[record.stratum].add(splits[record.id])
        assert all(len(found) == 1 for found in homes.values())


def test_a_published_split_is_set_aside_and_the_unlabelled_stay_so() -> None:
    records = [replace(r, split="train") for r in slices(("a", "b"))]
    records.append(replace(records[0], id="bare", group="bare", masks=()))
    splits = assign_splits(records, SplitSpec(folds="each", group_by="stratum"))
    assert splits["bare"] == "unlabelled"
    assert fold_count(records, "group") == 8
    assert {splits[r.id] for r in records if r.stratum == "a" and r.masks} == {"test"}


def test_what_cannot_be_left_out() -> None:
    spec = SplitSpec(folds="each", group_by="stratum")
    with pytest.raises(SegkitError, match="all records are of one stratum, 'a'"):
        assign_splits(slices(("a",)), spec)
    with pytest.raises(SegkitError, match="fold 2 of 2 does not exist") as caught:
        assign_splits(slices(("a", "b")), replace(spec, fold=2))
    assert "0 a, 1 b" in caught.value.remedy
    with pytest.raises(SegkitError, match="no record has a 'scaner'") as caught:
        assign_splits(slices(("a", "b")), replace(spec, group_by="scaner"))
    assert "scanner" in caught.value.remedy
    with pytest.raises(SegkitError, match="nothing to validate"):
        assign_splits(slices(("a", "b")), replace(spec, val=0))


def test_the_name_of_what_is_left_out() -> None:
    name, records = left_out(slices(("b", "a")), "stratum", 1)
    assert (name, len(records)) == ("b", 8)
