"""What is scored, and what is refused before anything slow is imported."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segkit.config.values import EVALUATE
from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.core.values import check
from segkit.data.split_file import read_split, split_table
from segkit.data.splits import SplitSpec, assign_splits
from segkit.evaluation.request import (
    check_classes,
    may_be_copy,
    split_of_others,
    with_settings,
    with_source,
    with_split,
)

RECORDS = [Record(f"r{i}", f"g{i}", f"{i}.png", (f"{i}_mask.png",)) for i in range(3)]


def request(**changes: Any) -> dict[str, Any]:
    return {
        "split": "test",
        "threshold": None,
        "surface": False,
        "surface_tolerance": 2,
        "seed": 0,
        "trainer": {"enable_progress_bar": True, "devices": 1},
        "dataset": {"root": None, "score_by": None, "batch_size": None},
        **changes,
    }


def saved() -> dict[str, Any]:
    return {
        "dataset": {
            "name": "folder",
            "root": "here",
            "size": 32,
            "crop": 16,
            "score_by": "group",
            "batch_size": 4,
            "reader": {
                "_target_": "segkit.data.readers.folder.Folder",
                "root": "here",
                "classes": ["a"],
            },
            "split": {"file": None, "val": 0.2},
        },
        "trainer": {"devices": 8},
        "callbacks": {"x": 1},
        "logger": {"y": 1},
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("split", "tset"),
        ("surface", "yes please"),
        ("surface_tolerance", -1),
        ("surface_tolerance", None),
        ("seed", 0.5),
        ("seed", -1),
        ("seed", True),
    ],
)
def test_what_cannot_work_is_refused(key: str, value: Any) -> None:
    with pytest.raises(SegkitError) as error:
        check(request(**{key: value}), EVALUATE)
    assert error.value.where.startswith(key)
    assert error.value.remedy


def test_only_what_was_given_is_changed() -> None:
    node = {"root": None, "score_by": "image", "batch_size": 16}
    config = request(dataset=node)
    found = with_settings(saved(), config, ["dataset.batch_size=16", "split=val"])
    assert found["dataset"] == {**saved()["dataset"], "batch_size": 16}
    assert found["trainer"] == config["trainer"]
    assert found["logger"] == {}
    assert list(found["callbacks"]) == ["progress"]


def test_no_bar_where_none_is_wanted() -> None:
    config = request(trainer={"enable_progress_bar": False})
    assert with_settings(saved(), config, [])["callbacks"] == {}


@pytest.mark.parametrize("override", ["dataset.size=64", "+dataset.split.val=0.3"])
def test_what_was_trained_with_cannot_be_set(override: str) -> None:
    with pytest.raises(SegkitError, match="as the run was trained") as error:
        with_settings(saved(), request(), [override])
    assert error.value.where in override


@pytest.mark.parametrize("override", ["+dataset.mask_values={0: 1}", "~dataset.batch_size"])
def test_what_nothing_would_read_is_refused(override: str) -> None:
    with pytest.raises(SegkitError, match="no effect") as error:
        with_settings(saved(), request(dataset={"root": None}), [override])
    assert error.value.where == override.lstrip("+~").split("=", maxsplit=1)[0]
    assert "dataset has root, batch_size, cache_dir" in error.value.remedy


def test_a_named_data_set_has_keys_of_its_own() -> None:
    node = {"root": "r", "reader": {"_target_": "t"}, "mask_values": {0: 1}}
    found = with_settings(saved(), request(dataset=node), ["dataset.mask_values={0: 1}"])
    assert found["dataset"] == saved()["dataset"]


@pytest.mark.parametrize(("own", "expected"), [({"axis": "coronal"}, "coronal"), ({}, "axial")])
def test_other_volumes_are_cut_as_the_runs_were(own: dict[str, str], expected: str) -> None:
    config = saved()
    config["dataset"] |= own
    node = {"name": "ct", "root": "r", "reader": {"_target_": "t", "axis": "sagittal"}}
    found = with_source(config, node)
    assert found
    assert found["dataset"]["reader"] == {"_target_": "t", "axis": expected}


def test_the_runs_own_data_another_root_and_another_reader() -> None:
    assert with_source(saved(), {"root": None}) is None
    moved = with_source(saved(), {"root": "there"})
    assert moved is not None
    reader = saved()["dataset"]["reader"]
    assert moved["dataset"] == {
        **saved()["dataset"],
        "root": "there",
        "reader": {**reader, "root": "there"},
    }
    node = {"name": "n", "root": "r", "reader": {"_target_": "t"}, "size": 999, "score_by": "image"}
    other = with_source(saved(), node)
    assert other is not None
    assert other["dataset"] == {
        **saved()["dataset"],
        "name": "n",
        "root": "r",
        "reader": {"_target_": "t"},
    }


def test_a_saved_split_replaces_what_it_was_drawn_by_and_a_crop_counts_no_more() -> None:
    found = with_split(saved(), Path("s.csv"))["dataset"]
    assert found["split"] == {"file": "s.csv", "val": 0.2, "group_by": "image"}
    assert found["crop"] is None
    assert saved()["dataset"]["crop"] == 16


def test_a_run_whose_images_have_become_one_group_since_is_scored_as_it_was_split(
    tmp_path: Path,
) -> None:
    before = [Record(name, name, f"{name}.png", ("m",)) for name in "ab"]
    splits = {"a": "train", "b": "test"}
    (tmp_path / "split.csv").write_text(split_table(before, splits), encoding="utf-8")
    now = [replace(record, group="field") for record in before]
    node = with_split(saved(), tmp_path / "split.csv")["dataset"]["split"]
    assert assign_splits(now, SplitSpec(**node)) == splits


def test_classes_must_be_the_runs() -> None:
    check_classes(("background", "cell"), ("background", "cell"))
    with pytest.raises(SegkitError, match="are background, lung; the run's are background, cell"):
        check_classes(("background", "lung"), ("background", "cell"))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.write_split("id,group,split,stratum\nr0,g0,train,\nr1,g1,val,\nr2,g2,test,\n")
    return folder


@pytest.mark.parametrize("split", ["test", "all"])
def test_a_copy_of_the_runs_records_keeps_its_split(
    folder: RunFolder, tmp_path: Path, split: str
) -> None:
    assert split_of_others(RECORDS, split, folder, tmp_path) == (folder.split, True)


def test_other_records_are_scored_all_or_not_at_all(folder: RunFolder, tmp_path: Path) -> None:
    unlabelled = Record("u", "u", "u.png")
    others = [*RECORDS, Record("r3", "g3", "3.png", ("3_mask.png",)), unlabelled]
    with pytest.raises(SegkitError, match="have no val split") as error:
        split_of_others(others, "val", folder, tmp_path)
    assert "split=all" in error.value.remedy
    file, of_run = split_of_others(others, "all", folder, tmp_path)
    assert not of_run
    assert read_split(file, others[:4]) == {f"r{i}": "test" for i in range(4)}


def test_some_records_of_the_same_names_are_no_copy(folder: RunFolder, tmp_path: Path) -> None:
    for others in (RECORDS[:2], [*RECORDS[:2], Record("other", "r2", "2.png", ("2_mask.png",))]):
        assert split_of_others(others, "all", folder, tmp_path)[1] is False


def test_a_copy_may_have_other_groups_by_now(folder: RunFolder, tmp_path: Path) -> None:
    now = [replace(record, group="field") for record in RECORDS]
    assert split_of_others(now, "test", folder, tmp_path) == (folder.split, True)
    assert may_be_copy([*now, Record("r3", "field", "3.png", ("3_mask.png",))], folder)


def test_more_than_the_runs_records_may_be_a_copy(folder: RunFolder, tmp_path: Path) -> None:
    more = [*RECORDS, Record("r3", "g3", "3.png", ("3_mask.png",))]
    unlabelled = [*RECORDS, Record("u", "u", "u.png")]
    assert may_be_copy(more, folder)
    for others in (RECORDS, unlabelled, more[1:]):
        assert not may_be_copy(others, folder)
    assert not may_be_copy(more, RunFolder(tmp_path / "none"))


def test_a_run_without_its_table_has_no_copy(tmp_path: Path) -> None:
    assert split_of_others(RECORDS, "all", RunFolder(tmp_path / "none"), tmp_path)[1] is False
