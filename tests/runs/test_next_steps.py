"""What a finished training is offered to be compared with: a run that compare takes."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from segkit.data.readers.folder import Folder
from segkit.inference.inputs import find_inputs
from segkit.runs.next_steps import an_image, run_before
from tests.data.mask_files import bars, png
from tests.data.readers.nifti_files import save, voxels
from tests.data.trees import placed


def finished(folder: Path, *, at: int, config: dict[str, Any] | None = None, **facts: Any) -> Path:
    """A run folder, as training leaves it, that ended at this time."""
    folder.mkdir(parents=True)
    settings = {"task": "semantic", "overrides": ["optim.lr=0.1"], "dataset": {}} | (config or {})
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    summary = {
        "data": {"name": "cells", "content_hash": "c"},
        "split_hash": "s",
        "test": {"all": {"n": 9}},
    } | facts
    (folder / "summary.json").write_text(json.dumps(summary), "utf-8")
    os.utime(folder / "summary.json", (at, at))
    return folder


def before(run: Path) -> Path | None:
    return run_before(run, json.loads((run / "summary.json").read_text("utf-8")))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs" / "cells" / "unet"


def test_it_is_the_last_that_was_tested_on_the_same(runs: Path) -> None:
    own = finished(runs / "own", at=90)
    assert before(own) is None
    finished(runs / "first", at=10)
    second = finished(runs / "second", at=20)
    finished(runs / "other split", at=30, split_hash="t")
    finished(runs / "other files", at=40, data={"name": "cells", "content_hash": "d"})
    assert before(own) == second


@pytest.mark.parametrize(
    "odd",
    [
        {"config": {"overrides": ["dataset=phantom", "debug=fast"]}},
        {"config": {"task": "instance"}},
        {"config": {"task": "no longer there"}},
        {"test": None},
    ],
)
def test_one_that_compare_does_not_take_is_not_offered(runs: Path, odd: dict[str, Any]) -> None:
    plain = finished(runs / "plain", at=10)
    strange = finished(runs / "odd", at=20, **odd)
    assert before(finished(runs / "own", at=90)) == plain
    assert before(strange) is None


def test_a_damaged_one_is_passed_over(runs: Path) -> None:
    plain = finished(runs / "plain", at=10)
    (finished(runs / "damaged", at=20) / "config.yaml").write_text("a: [", "utf-8")
    (finished(runs / "cut", at=30) / "summary.json").write_text("{", "utf-8")
    assert before(finished(runs / "own", at=90)) == plain


@pytest.mark.parametrize("files", [1, 2])
def test_a_volume_is_proposed_with_all_its_sequences(tmp_path: Path, files: int) -> None:
    root = tmp_path / "[1]"
    for number in range(files):
        save(root / "imagesTr" / f"a_{number:04}.nii.gz", voxels(0))
    save(root / "labelsTr" / "a.nii.gz", (voxels(0) > 0).astype("uint8"))
    reader = Folder(root, classes=None)
    records = reader.listing().records
    data: Any = SimpleNamespace(records=records, reader=reader, indices=lambda _: [0])
    found = [one.path.name for one in find_inputs(an_image(data))[0]]
    assert found == [f"a_{number:04}.nii.gz" for number in range(files)]


@pytest.mark.parametrize("inside", [False, True])
def test_of_an_archive_all_images_are_predicted(tmp_path: Path, inside: bool) -> None:
    given = {f"{kind}/a.png": png(bars(0, 255)) for kind in ("images", "masks")}
    root = placed(tmp_path, given, "stored zip")
    reader = Folder(root.parent if inside else root, classes=("background", "bar"))
    records = reader.listing().records
    data: Any = SimpleNamespace(records=records, reader=reader, indices=lambda _: [0])
    assert [one.name for one in find_inputs(an_image(data))[0]] == ["a"]
