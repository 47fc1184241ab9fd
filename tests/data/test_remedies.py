"""What messages about splits and sizes say to type, typed in, works; of stacks: test_planes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.audit.findings import Use, bad_files, of_records
from segkit.audit.split_findings import of_classes, of_groups
from segkit.core.contracts import Problem, Record, bad_records
from segkit.core.errors import SegkitError
from segkit.core.limits import limit_images
from segkit.data.splits import SplitSpec, assign_splits
from segkit.imaging.pixels import decode
from tests.audit.test_findings import fact
from tests.data.mask_files import bars, placed, png, read, reader_of, typed


def records(groups: int, each: int = 1, split: str = "") -> list[Record]:
    return [
        Record(f"{split}{group}-{n}", f"{split}{group}", "i.png", ("m.png",), split=split)
        for group in range(groups)
        for n in range(each)
    ]


def spec_of(spec: SplitSpec, way: list[str]) -> SplitSpec:
    """The split with the arguments of a remedy."""
    values: dict[str, Any] = {key: getattr(spec, key) for key in spec.__dataclass_fields__}
    for argument in way:
        key, value = argument.removeprefix("dataset.split.").split("=")
        kinds = {"null": None, "true": True, "false": False}
        number = float(value) if re.fullmatch(r"[0-9.]+", value) else value
        whole = int(number) if key in ("folds", "fold", "seed") else number
        values[key] = kinds.get(value, whole)
    return SplitSpec(**values)


@pytest.mark.parametrize(
    ("found", "spec", "ways"),
    [
        (records(5), SplitSpec(val=0), 1),
        (records(5), SplitSpec(val=-1), 1),
        (records(5), SplitSpec(test=-0.1), 2),
        (records(5), SplitSpec(val=0.5, test=0.5), 1),
        (records(2), SplitSpec(), 1),
        (records(2, each=3), SplitSpec(), 2),
        (records(1, each=3), SplitSpec(), 1),
        (records(1), SplitSpec(), 0),
        (records(2), SplitSpec(val=0.9, test=0), 1),
        (records(1), SplitSpec(test=0), 0),
        (records(3), SplitSpec(val=0.5, test=0.45), 1),
        (records(4), SplitSpec(folds=5), 1),
        (records(4, each=2), SplitSpec(folds=5, fold=4), 2),
        (records(2), SplitSpec(folds=5), 0),
        (records(2, each=3), SplitSpec(folds=5, group_by="image", seed=3), 0),
        (records(3, split="test"), SplitSpec(), 1),
        (records(1) + records(1, split="val"), SplitSpec(), 1),
    ],
)
def test_a_split_that_cannot_be_drawn(found: list[Record], spec: SplitSpec, ways: int) -> None:
    if spec.folds == 5 and spec.group_by == "image":
        found = found[:2]
    with pytest.raises(SegkitError) as caught:
        assign_splits(found, spec)
    told = typed(caught.value.remedy)
    assert len(told) == ways, caught.value.remedy
    for way in told:
        given = spec_of(spec, way)
        assert given != spec, "it is set already"
        assert set(assign_splits(found, given).values()) >= {"train"}


def test_what_is_empty_is_named() -> None:
    with pytest.raises(SegkitError, match="nothing to validate"):
        assign_splits(records(5), SplitSpec(val=0))
    with pytest.raises(SegkitError, match="nothing to train on"):
        assign_splits(records(5), SplitSpec(val=0.5, test=0.5))


def test_a_group_in_two_splits(tmp_path: Path) -> None:
    shared = [Record("a", "g", "a.png", ("m",), split="train")]
    shared += [Record("b", "g", "b.png", ("m",), split="val"), *records(6, split="train")]
    table = tmp_path / "split.csv"
    table.write_text("id,split\n" + "".join(f"{r.id},{r.split}\n" for r in shared), "utf-8")
    for spec in (SplitSpec(), SplitSpec(file=str(table))):
        with pytest.raises(SegkitError) as caught:
            assign_splits(shared, spec)
        clean, leaks = typed(caught.value.remedy)
        drawn = assign_splits(shared, spec_of(spec, clean))
        assert drawn["a"] == drawn["b"]
        leaking = spec_of(spec, leaks)
        homes = assign_splits(shared, leaking)
        assert homes["a"] != homes["b"]
        finding = next(iter(of_groups(shared, homes, leaking)))
        (way,) = typed(finding.remedy)
        drawn = assign_splits(shared, spec_of(leaking, way))
        assert drawn["a"] == drawn["b"]


@pytest.mark.parametrize(
    "spec", [SplitSpec(), SplitSpec(folds=6), SplitSpec(file="x.csv"), SplitSpec(seed=4)]
)
def test_findings_of_splits_advise_nothing_that_is_set(spec: SplitSpec) -> None:
    found = records(6)
    splits = {record.id: "train" for record in found}
    for finding in of_groups(found, splits, spec):
        for way in typed(finding.remedy):
            assert spec.folds is None or finding.kind == "empty splits"
            drawn = assign_splits(found, spec_of(spec, way))
            assert finding.kind != "empty splits" or {"train", "val"} <= set(drawn.values())
    facts = [fact("a", shares=(1.0, 0.0))]
    for finding in of_classes(facts, {"a": "train"}, ("background", "cell"), spec):
        assert typed(finding.remedy) == []  # there is no cell, however it is divided
    facts = [fact(f"r{n}", shares=(0.5, 0.5)) for n in range(6)]
    facts[5] = fact("r5", shares=(1.0, 0.0))
    splits = {f"r{n}": "train" for n in range(4)} | {"r4": "test", "r5": "val"}
    (finding,) = of_classes(facts, splits, ("background", "cell"), spec)
    (way,) = typed(finding.remedy)
    assert spec_of(spec, way) != spec
    drawn = assign_splits([each.record for each in facts], spec_of(spec, way))
    assert drawn["r5"] == "train"


def test_leaving_out_is_advised_once_and_only_where_it_helps() -> None:
    problems = [Problem("a.png", "cut off", "replace the file")]
    said = bad_records(problems, 3, skip=False).remedy
    assert said == "replace the file; or leave them out: dataset.on_bad_record=skip"
    assert bad_records(problems, 3, skip=True).remedy == "replace the file"
    assert bad_records(problems, 1, skip=False).remedy == "replace the file"
    assert "on_bad_record" in next(iter(bad_files(problems, [], skip=False))).remedy
    assert "on_bad_record" not in next(iter(bad_files(problems, [], skip=True))).remedy


@pytest.mark.parametrize("stored", [(0, 255), (0, 1)])
def test_a_mask_that_is_inverted(stored: tuple[int, int], tmp_path: Path) -> None:
    root = placed(tmp_path, {"a.png": png(bars(stored[1]))})
    inverted = fact("a", shares=(0.0, 1.0), mask_values=str(stored[1]))
    use = Use(("background", "cell"), None, None, skip=False, mapped=True)
    ((finding),) = of_records([inverted], use)
    ((way),) = typed(finding.remedy)
    (mask,) = read(reader_of(root, *way))
    assert not mask.any()
    plain = Use(("background", "cell"), None, None, skip=False)
    assert typed(next(iter(of_records([inverted], plain))).remedy) == []


def test_a_limit_that_is_told_is_enough() -> None:
    data = png(np.zeros((1100, 1000), np.uint8))
    try:
        limit_images(1)
        with pytest.raises(SegkitError) as caught:
            decode(data, "a.png")
        found = re.search(r"max_megapixels=(\d+)$", caught.value.remedy)
        assert found
        limit_images(int(found[1]))
        assert decode(data, "a.png").shape == (1100, 1000)
    finally:
        limit_images(1024)
