"""Each finding from facts made for it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from segkit.audit.adjoining import borders
from segkit.audit.crops import mark
from segkit.audit.duplicates import Pair, sign
from segkit.audit.findings import (
    Finding,
    Use,
    bad_files,
    of_all,
    of_copies,
    of_records,
)
from segkit.audit.measure import Facts, Unreadable
from segkit.audit.split_findings import of_classes, of_groups
from segkit.core.contracts import Problem, Record
from segkit.core.errors import SegkitError
from segkit.data.splits import SplitSpec

CLASSES = ("background", "cell")


def fact(name: str, group: str = "", **changes: Any) -> Facts:
    settings: dict[str, Any] = {
        "record": Record(name, group or name, f"{name}.png", (f"{name}_mask.png",)),
        "format": "PNG",
        "dtype": "uint8",
        "bits": 8,
        "height": 64,
        "width": 64,
        "channels": 1,
        "low": (0.0,),
        "mean": (50.0,),
        "high": (200.0,),
        "saturated": 0.0,
        "shares": (0.9, 0.1),
        "objects": 3,
        "touching": 0,
        "mask_values": "0 255",
        "mask_digest": name,
        "read_ms": 1.0,
        "signature": sign(np.zeros((4, 4), np.uint8)),
        "borders": borders(np.zeros((4, 4), np.uint8)),
        "marks": mark(np.zeros((4, 4), np.uint8)),
    }
    return Facts(**{**settings, **changes})


def use(**changes: Any) -> Use:
    settings: dict[str, Any] = {"classes": CLASSES, "size": (64, 64), "crop": None, "skip": False}
    return Use(**{**settings, **changes})


def told(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    found = list(findings)
    assert all(f.what and f.remedy for f in found)
    return [(f.severity, f.kind, f.where) for f in found]


def test_bad_files_are_errors_unless_they_are_to_be_left_out() -> None:
    problems = [Problem("a.png", "an image without a mask")]
    broken = SegkitError("cut off", where="b.png", remedy="mend it")
    unreadable = [Unreadable(Record("b", "b", "b.png", ("m.png",)), broken)]
    unreadable.append(Unreadable(Record("c", "c", "c.png"), SegkitError("cut off", remedy="x")))
    strict = told(bad_files(problems, unreadable, skip=False))
    assert strict == [
        ("error", "unpaired files", "a.png"),
        ("error", "records that cannot be used", "b.png"),
        ("warning", "records that cannot be used", "c.png"),
    ]
    for skip in (True, False):  # of no use where nothing would be left
        alone = list(bad_files(problems, unreadable, skip=skip, some=False))
        assert not any("on_bad_record" in one.remedy for one in alone)
    lenient = told(bad_files(problems, unreadable, skip=True))
    assert {severity for severity, _, _ in lenient} == {"warning"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"high": (0.0,)}, [("warning", "blank images", "a.png")]),
        ({"saturated": 0.3}, [("note", "saturated images", "a.png")]),
        ({"shares": (0.0, 1.0)}, [("warning", "masks without background", "a_mask.png")]),
        ({"shares": (1.0, 0.0)}, []),
    ],
)
def test_a_record_that_stands_out(
    changes: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert told(of_records([fact("a", **changes)], use())) == expected


def test_an_image_smaller_than_the_crop() -> None:
    small = fact("a", width=40)
    kind = ("error", "images smaller than the crop", "a.png")
    assert told(of_records([small], use(size=None, crop=(48, 48)))) == [kind]
    assert told(of_records([small], use(size=None, crop=(48, 40)))) == []
    assert told(of_records([small], use(crop=(48, 48)))) == []  # enlarged to 64 first


def copies(
    pair: Pair, one: str, other: str, *, group: str = "", same: bool = True
) -> list[Finding]:
    digest = {"mask_digest": "m"} if same else {}
    facts = [fact("a", group, **digest), fact("b", group, **digest)]
    return list(of_copies(facts, [pair], {"a": one, "b": other}, mended=True))


EXACT, NEAR = Pair(0, 1, exact=True, correlation=1), Pair(0, 1, exact=False, correlation=0.97)


@pytest.mark.parametrize(
    ("pair", "one", "other", "severity"),
    [
        (EXACT, "train", "test", "error"),
        (NEAR, "train", "val", "warning"),
        (EXACT, "train", "train", "note"),
        (NEAR, "val", "val", "note"),
        (EXACT, "train", "unlabelled", "note"),
    ],
)
def test_copies_are_worse_in_two_splits(pair: Pair, one: str, other: str, severity: str) -> None:
    (found,) = copies(pair, one, other)
    assert found.severity == severity
    assert found.where == f"a.png ({one}) and b.png ({other})"
    assert ("in two splits" in found.kind) == (severity != "note")
    assert ("split.csv" in found.remedy) == (severity != "note")


def test_copies_with_different_masks_contradict_each_other() -> None:
    (found,) = copies(EXACT, "train", "train", same=False)
    assert found.severity == "warning"
    assert "different masks" in found.what


def test_near_copies_within_a_group_are_expected() -> None:
    assert copies(NEAR, "train", "train", group="patient") == []
    assert len(copies(EXACT, "train", "train", group="patient")) == 1


def test_groups_in_two_splits_and_small_splits() -> None:
    records = [Record(f"{n}", f"g{n}", f"{n}.png", ("m",)) for n in range(15)]
    splits = {f"{n}": ("train", "val", "test")[n % 3] for n in range(15)}
    assert told(of_groups(records, splits, SplitSpec())) == []
    shared = [*records, Record("x", "g0", "x.png", ("m",))]
    leak = told(of_groups(shared, {**splits, "x": "test"}, SplitSpec()))
    assert leak == [("error", "groups in two splits", "g0")]
    accepted = told(of_groups(shared, {**splits, "x": "test"}, SplitSpec(group_by="image")))
    assert accepted == [("warning", "groups in two splits", "g0")]
    assert told(of_groups(records[:-1], splits, SplitSpec())) == [
        ("warning", "small splits", "test")
    ]


@pytest.mark.parametrize("part", ["train", "val"])
def test_parts_that_no_training_can_do_without(part: str) -> None:
    records = [Record(f"r{n}", f"g{n}", "i.png", ("m.png",)) for n in range(12)]
    others = [split for split in ("train", "val", "test") if split != part]
    splits = {record.id: others[n % 2] for n, record in enumerate(records)}
    spec = SplitSpec(file="split.csv")
    (finding,) = of_groups(records, splits, spec)
    assert (finding.severity, finding.kind, finding.where) == ("error", "empty splits", part)
    assert "dataset.split.file=null" in finding.remedy


def test_classes_that_do_not_occur() -> None:
    without: dict[str, Any] = {"shares": (1.0, 0.0)}
    facts = [fact("a"), fact("b", **without), fact("c")]
    splits = {"a": "train", "b": "val", "c": "test"}
    # It cannot choose an epoch; a test without it is poor, and nothing worse.
    for swapped, severity in ((splits, "error"), ({**splits, "b": "test", "c": "val"}, "warning")):
        assert told(of_classes(facts, swapped, CLASSES, SplitSpec())) == [
            (severity, "missing classes", "dataset.classes, cell")
        ]
    facts[0] = fact("a", **without)
    (worse,) = of_classes(facts, splits, CLASSES, SplitSpec())
    assert worse.severity == "error"
    assert worse.what == "no pixel of class 'cell' in train, val"


def test_one_class_of_several_does_not_validate() -> None:
    facts = [fact(name, shares=(0.8, 0.1, 0.1)) for name in "abcd"]
    facts[1] = fact("b", shares=(0.9, 0.1, 0.0))
    splits = {"a": "train", "b": "val", "c": "test", "d": "train"}
    found = of_classes(facts, splits, (*CLASSES, "core"), SplitSpec())
    assert told(found) == [("warning", "missing classes", "dataset.classes, core")]
    # Nothing is marked of background in validation, which is no foreground that is missing.
    facts[1] = fact("b", shares=(0.0, 0.5, 0.5))
    found = of_classes(facts, splits, (*CLASSES, "core"), SplitSpec())
    assert told(found) == [("warning", "missing classes", "dataset.classes, background")]


def test_the_data_set_as_a_whole() -> None:
    assert told(of_all([fact("a"), fact("b")], use())) == []
    mixed = [fact("a"), fact("b", dtype="uint16"), fact("c", width=128), fact("d", height=400)]
    assert [kind for _, kind, _ in told(of_all(mixed, use()))] == [
        "mixed bit depths",
        "stretched images",
        "strongly shrunk images",
    ]
    assert told(of_all(mixed[2:], use(size=None))) == []
