"""What a split lacks is told, and what is advised against it helps when it is typed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.contracts import Problem, Record
from segkit.data.datamodule import SegmentationData
from segkit.data.foreground import advice, cautions, is_blind, lacking, present_in
from segkit.data.splits import SplitSpec
from tests.data.healthy import healthy_first, healthy_validate, opened, patients, table
from tests.data.mask_files import typed
from tests.data.test_remedies import spec_of

THREE = ("background", "core", "oedema")


def told(data: SegmentationData, asked: str | None = "val/score") -> list[Problem]:
    return list(cautions(data, monitor="val/loss", asked=asked))


def mended(data: SegmentationData, tmp_path: Path, problem: Problem) -> SegmentationData:
    """The same data, opened with what the problem's remedy says."""
    (way,) = typed(problem.remedy)
    return opened(data.reader.root, tmp_path, spec_of(data.split, way), classes=data.classes)


def test_the_classes_of_a_mask() -> None:
    assert present_in(np.array([[0, 2], [2, 0]], np.uint8)) == {0, 2}
    assert present_in(np.zeros((0, 3), np.uint8)) == set()


@pytest.mark.parametrize("id_", [1, 2, 1001, 2**31 - 1])
def test_labels_are_no_classes(id_: int) -> None:
    assert present_in(np.array([[0, id_]], np.int32)) == {0, 1}
    assert present_in(np.array([[id_]], np.int32)) == {1}
    assert present_in(np.zeros((2, 2), np.int32)) == {0}


def test_a_split_that_has_all_is_not_spoken_of(tmp_path: Path) -> None:
    root = patients(tmp_path / "data", dict.fromkeys(range(8), 1))
    data = opened(root, tmp_path, SplitSpec())
    assert not is_blind(data)
    assert told(data, None) == []


def test_validation_without_foreground(tmp_path: Path) -> None:
    file = healthy_validate(tmp_path / "split.csv")
    data = opened(healthy_first(tmp_path / "data"), tmp_path, SplitSpec(file=str(file)))
    assert is_blind(data)
    assert lacking(data, "train") == []
    (problem,) = told(data)
    assert "no pixel of 'tumour' in the 12 validation images" in problem.what
    assert "chosen by val/loss, not val/score" in problem.what
    better = mended(data, tmp_path, problem)
    assert not is_blind(better)
    assert told(better) == []
    # Where a loss was asked for, nothing takes its place.
    (problem,) = told(data, None)
    assert "not val/score" not in problem.what


@pytest.mark.parametrize("spec", [SplitSpec(), SplitSpec(folds=4)])
def test_a_drawn_split_is_drawn_otherwise(spec: SplitSpec, tmp_path: Path) -> None:
    root = patients(tmp_path / "data", {patient: int(patient % 3 == 0) for patient in range(12)})
    drawn = [opened(root, tmp_path, spec_of(spec, [f"dataset.split.seed={n}"])) for n in range(20)]
    blind = [data for data in drawn if is_blind(data)]
    assert blind
    assert len(blind) < len(drawn)
    for problem in told(blind[0]):
        assert told(mended(blind[0], tmp_path, problem)) == []


def test_training_without_foreground(tmp_path: Path) -> None:
    homes = {0: "train", 1: "train", 2: "train", 3: "val", 4: "test"}
    file = table(tmp_path / "split.csv", homes)
    data = opened(healthy_first(tmp_path / "data", 5), tmp_path, SplitSpec(file=str(file)))
    assert not is_blind(data)
    (problem,) = told(data)
    assert problem.what.startswith("no pixel of 'tumour' in the 12 training images")
    assert "cannot learn" in problem.what
    # Of two patients one trains and one validates: the test has none, which is the lesser evil.
    assert lacking(mended(data, tmp_path, problem), "train") == []


def test_one_class_of_several(tmp_path: Path) -> None:
    root = patients(tmp_path / "data", {patient: 1 + patient % 2 for patient in range(10)})
    homes = {patient: "val" if patient in (0, 2) else "train" for patient in range(10)}
    file = table(tmp_path / "split.csv", homes | {9: "test", 8: "test"})
    data = opened(root, tmp_path, SplitSpec(file=str(file)), classes=THREE)
    assert lacking(data, "val") == [2]
    assert not is_blind(data)
    (problem,) = told(data, None)
    assert "no pixel of 'oedema' in the 8 validation images" in problem.what
    assert "without it" in problem.what
    assert told(mended(data, tmp_path, problem)) == []


@pytest.mark.parametrize(("holders", "words"), [(1, "only 1 of 6 groups has"), (0, "no group has")])
def test_no_split_would_help(holders: int, words: str, tmp_path: Path) -> None:
    root = patients(tmp_path / "data", {patient: int(patient < holders) for patient in range(6)})
    homes = {patient: "val" if patient in (4, 5) else "train" for patient in range(6)}
    file = table(tmp_path / "split.csv", homes)
    data = opened(root, tmp_path, SplitSpec(file=str(file)))
    problem = told(data)[-1]
    assert words in problem.remedy
    assert typed(problem.remedy) == []


def test_what_is_lost_in_resizing_is_not_blamed_on_the_split(tmp_path: Path) -> None:
    root = patients(tmp_path / "data", dict.fromkeys(range(8), 1), radius=1)
    data = opened(root, tmp_path, SplitSpec(), size=(2, 2))
    assert is_blind(data)
    problem = told(data)[-1]
    assert typed(problem.remedy) == [["dataset.size=[32,32]"]]
    assert told(opened(root, tmp_path, SplitSpec(), size=(32, 32))) == []


def test_nobody_validates(tmp_path: Path) -> None:
    file = table(tmp_path / "split.csv", dict.fromkeys(range(7), "train") | {7: "test"})
    data = opened(healthy_first(tmp_path / "data"), tmp_path, SplitSpec(file=str(file)))
    assert not is_blind(data)  # a loss is no better off
    (problem,) = told(data)
    assert "no image validates" in problem.what
    assert mended(data, tmp_path, problem).indices("val")


def test_a_batch_that_is_learnt_by_heart_is_its_own_validation(tmp_path: Path) -> None:
    root = patients(tmp_path / "data", {patient: patient % 3 for patient in range(9)})
    homes = {patient: "val" if patient % 3 == 0 else "train" for patient in range(9)}
    file = str(table(tmp_path / "split.csv", homes))
    data = opened(root, tmp_path, SplitSpec(file=file), classes=THREE, overfit_batches=1)
    assert not is_blind(data)
    assert told(data, None) == []  # one batch need not hold every class
    healthy = patients(tmp_path / "none", dict.fromkeys(range(9), 0))
    data = opened(healthy, tmp_path, SplitSpec(), overfit_batches=1)
    assert [problem.where for problem in told(data)] == ["dataset.split, training"]


@pytest.mark.parametrize(
    ("spec", "published", "ways"),
    [
        (SplitSpec(), True, [["dataset.split.published=false"]]),
        (SplitSpec(folds=4, fold=2), False, [["dataset.split.fold=0"]]),
        (SplitSpec(file="given.csv"), False, [["dataset.split.file=null"]]),
        (SplitSpec(seed=7), False, [["dataset.split.seed=8"]]),
    ],
)
def test_the_nearest_split_that_helps(spec: Any, published: bool, ways: Any) -> None:
    homes = ["train"] * 8 + ["val", "test"]
    records = [
        Record(f"r{n}", f"g{n}", "i.png", ("m.png",), split=home if published else "")
        for n, home in enumerate(homes)
    ]
    # All but the published validation have it; any other way to draw does.
    present = {record.id: [0, 1] for record in records}
    present["r8"] = [0]
    if not published:
        present["r8"] = [0, 1]
    assert typed(advice(records, present, spec, ["val"], {1: "cell"})) == ways


def test_data_without_masks_are_no_candidates() -> None:
    records = [Record("a", "a", "a.png")]
    assert "no group has 'cell'" in advice(records, {}, SplitSpec(), ["val"], {1: "cell"})
