"""Pairing by file names: layouts, suffixes, published splits, orphans."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from segkit.core.contracts import Listing, check_sample
from segkit.data.readers.folder import Folder
from tests.data.readers.folder_files import IMAGE, SHAPE, TWO, save, tree


def ids(found: Listing) -> list[str]:
    return [record.id for record in found.records]


def whats(found: Listing) -> list[tuple[str, str]]:
    return [(problem.where, problem.what) for problem in found.problems]


@pytest.mark.parametrize("prefix", ["", "mine/", "a/b/c/"])
@pytest.mark.parametrize("packed", [False, True])
def test_pairs_by_name_at_any_depth(tmp_path: Path, prefix: str, packed: bool) -> None:
    root = tmp_path / "data"
    tree(
        root,
        {
            f"{prefix}images/b.tif": f"{prefix}masks/b.png",
            f"{prefix}images/day1/a.jpg": f"{prefix}masks/day1/a.bmp",
            f"{prefix}images/day2/a.PNG": f"{prefix}masks/day2/a.png",
        },
    )
    (root / prefix / "images" / "notes.txt").write_text("no image")
    if packed:
        root = Path(shutil.make_archive(str(root), "zip", root))
    reader = Folder(root, classes=TWO)
    found = reader.listing()
    assert found.problems == []
    assert ids(found) == ["b", "day1/a", "day2/a"], "the same whatever lies above images/"
    assert [record.group for record in found.records] == ids(found)
    assert found.records[1].masks == (f"{prefix}masks/day1/a.bmp",)
    for record in found.records:
        sample = reader.read(record)
        check_sample(sample, record, 2)
        assert sample.image.shape == (2, 4, 3)
        np.testing.assert_array_equal(sample.mask, SHAPE)


@pytest.mark.parametrize("suffix", ["_mask", "_seg", "_label", "-Mask"])
def test_a_mask_may_carry_a_suffix(tmp_path: Path, suffix: str) -> None:
    root = tree(tmp_path, {"images/a.png": f"masks/a{suffix}.png"})
    found = Folder(root, classes=TWO).listing()
    assert (ids(found), found.problems) == (["a"], [])
    assert found.records[0].labelled


def test_the_exact_name_goes_first(tmp_path: Path) -> None:
    root = tree(tmp_path, {"images/a.png": "masks/a.png", "images/b_mask.png": "masks/b_mask.png"})
    save(root / "masks" / "a_seg.png", SHAPE)
    found = Folder(root, classes=TWO).listing()
    assert [record.masks for record in found.records] == [("masks/a.png",), ("masks/b_mask.png",)]
    assert whats(found) == [("masks/a_seg.png", "a mask without an image")]


def test_what_cannot_be_paired_is_a_problem(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "images/a.png": "masks/a.png",
            "images/b.png": None,
            "images/c.png": "masks/c_mask.png",
            "images/d.png": "masks/d.png",
        },
    )
    save(root / "images" / "d.tif", IMAGE)
    save(root / "masks" / "c_seg.png", SHAPE)
    save(root / "masks" / "lost.png", SHAPE)
    found = Folder(root, classes=TWO).listing()
    assert ids(found) == ["a"]
    assert whats(found) == [
        ("images/b.png", "an image without a mask"),
        ("images/d.tif", "the same name as images/d.png"),
        ("masks/c_seg.png", "a second mask beside masks/c_mask.png"),
        ("masks/lost.png", "a mask without an image"),
    ]


def test_one_id_from_two_places_is_a_problem(tmp_path: Path) -> None:
    pairs: dict[str, str | None] = {
        "images/train/a.png": "masks/train/a.png",
        "train/images/a.png": "train/masks/a.png",
    }
    found = Folder(tree(tmp_path, pairs), classes=TWO).listing()
    assert ids(found) == ["train/a"]
    assert whats(found) == [("train/images/a.png", "the same name as images/train/a.png")]


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
@pytest.mark.parametrize("layout", ["{split}/{kind}/a.png", "{kind}/{split}/a.png"])
def test_published_splits(tmp_path: Path, val: str, layout: str) -> None:
    pairs: dict[str, str | None] = {
        layout.format(split=split, kind="images"): layout.format(split=split, kind="masks")
        for split in ("train", val, "test")
    }
    found = Folder(tree(tmp_path / "data", pairs), classes=TWO).listing()
    assert {record.id: record.split for record in found.records} == {
        "train/a": "train",
        f"{val}/a": "val",
        "test/a": "test",
    }


def test_the_split_stays_in_the_id_when_it_is_alone(tmp_path: Path) -> None:
    found = Folder(tree(tmp_path, {"x/train/images/a.png": "x/train/masks/a.png"}), classes=TWO)
    assert ids(found.listing()) == ["train/a"]


def test_without_any_mask_images_are_there_to_be_predicted(tmp_path: Path) -> None:
    reader = Folder(tree(tmp_path, {"images/a.png": None, "images/b.png": None}), classes=TWO)
    found = reader.listing()
    assert (ids(found), found.problems) == (["a", "b"], [])
    assert not any(record.labelled for record in found.records)
    assert reader.read(found.records[0]).mask is None


def test_a_test_folder_may_come_without_masks(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "train/images/a.png": "train/masks/a.png",
            "val/images/v.png": None,
            "test/images/b.png": None,
        },
    )
    found = Folder(root, classes=TWO).listing()
    assert [(r.id, r.labelled) for r in found.records] == [("test/b", False), ("train/a", True)]
    assert whats(found) == [("val/images/v.png", "an image without a mask")]
