"""Splits that are not drawn: the data's own folders, and saved files."""

from collections import Counter
from pathlib import Path

import pytest

from segkit.core.contracts import SPLITS, Record
from segkit.core.errors import SegkitError
from segkit.data.splits import SplitSpec, assign_splits


def published(**counts: int) -> list[Record]:
    return [
        Record(f"{split}/{number}", f"{split}/{number}", "i", ("m",), split=split)
        for split, count in counts.items()
        for number in range(count)
    ]


def test_published_folders_are_used_as_they_are() -> None:
    records = published(train=5, val=2, test=3)
    assert assign_splits(records, SplitSpec()) == {r.id: r.split for r in records}


@pytest.mark.parametrize(("missing", "given"), [("val", "test"), ("test", "val")])
def test_a_part_that_is_not_published_is_drawn_from_training(missing: str, given: str) -> None:
    records = published(train=20, **{given: 6})
    splits = assign_splits(records, SplitSpec(val=0.2, test=0.1))
    assert Counter(splits.values()) == {
        given: 6,
        missing: 4 if missing == "val" else 2,
        "train": 16 if missing == "val" else 18,
    }
    assert all(splits[r.id] == given for r in records if r.split == given)
    assert all(splits[r.id] in ("train", missing) for r in records if r.split == "train")


def test_a_record_outside_the_published_folders_trains() -> None:
    records = [*published(train=5, val=2, test=3), Record("loose", "loose", "i", ("m",))]
    assert assign_splits(records, SplitSpec())["loose"] == "train"


def test_a_test_part_can_be_done_without_when_none_is_published() -> None:
    splits = assign_splits(published(train=20), SplitSpec(test=0))
    assert Counter(splits.values()) == {"train": 17, "val": 3}


@pytest.mark.parametrize("spec", [SplitSpec(published=False), SplitSpec(folds=3)])
def test_published_folders_can_be_ignored(spec: SplitSpec) -> None:
    records = published(train=3, val=3, test=6)
    assert assign_splits(records, spec) != {r.id: r.split for r in records}


def test_published_folders_that_leak_are_refused_unless_that_is_wanted() -> None:
    leaking = [
        Record(f"{split}/{n}", f"patient{n % 4}", "i", ("m",), split=split)
        for split in SPLITS
        for n in range(4)
    ]
    with pytest.raises(SegkitError, match="group 'patient0' lies in both train and val") as caught:
        assign_splits(leaking, SplitSpec())
    assert "dataset.split.published=false" in caught.value.remedy
    drawn = assign_splits(leaking, SplitSpec(published=False))
    assert len({(record.group, drawn[record.id]) for record in leaking}) == 4, (
        "one for each patient"
    )
    assert assign_splits(leaking, SplitSpec(group_by="image")) == {r.id: r.split for r in leaking}


def test_published_parts_that_leave_nothing_to_train_are_refused() -> None:
    with pytest.raises(SegkitError, match="0 groups cannot be divided"):
        assign_splits(published(val=3, test=3), SplitSpec())


def test_a_saved_file_goes_before_everything_else(tmp_path: Path) -> None:
    records = published(train=2, val=1, test=1)
    saved = tmp_path / "split.csv"
    saved.write_text("id,split\ntrain/0,test\ntrain/1,val\nval/0,train\ntest/0,train\n")
    splits = assign_splits(records, SplitSpec(file=str(saved)))
    assert splits == {"train/0": "test", "train/1": "val", "val/0": "train", "test/0": "train"}


def test_a_saved_file_that_leaks_is_refused(tmp_path: Path) -> None:
    records = [Record(id_, "p", "i", ("m",)) for id_ in ("a", "b")]
    saved = tmp_path / "split.csv"
    saved.write_text("id,split\na,train\nb,val\n")
    with pytest.raises(SegkitError, match="group 'p' lies in both train and val"):
        assign_splits(records, SplitSpec(file=str(saved)))
