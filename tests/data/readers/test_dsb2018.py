"""DSB2018 in both layouts: pairing, merging, imaging types."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.contracts import Listing, Record
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.dsb2018 import Dsb2018, imaging_type
from segkit.data.readers.phantom import draw_nuclei
from tests.data.readers.dsb2018_files import (
    FOREGROUND,
    IMAGE,
    NUCLEI,
    flat_folders,
    nucleus_files,
    save,
)


def ids(found: Listing) -> list[str]:
    return [record.id for record in found.records]


def whats(found: Listing) -> list[tuple[str, str]]:
    return [(problem.where, problem.what) for problem in found.problems]


def only(reader: Dsb2018) -> Record:
    (record,) = reader.listing().records
    return record


def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path
) -> None:
    contract(nucleus_files(tmp_path / "set", "b", "a", "c"), Dsb2018)


def test_contract_of_the_flat_layout(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path
) -> None:
    contract(flat_folders(tmp_path / "set", train="badc", test="ef"), Dsb2018)


@pytest.mark.parametrize("prefix", ["", "stage1_train", "data/stage1_train"])
def test_one_folder_an_image_at_any_depth(tmp_path: Path, prefix: str) -> None:
    nucleus_files(tmp_path / "set" / prefix, "b", "a")
    found = Dsb2018(tmp_path / "set").listing()
    assert found.problems == []
    assert ids(found) == ["a", "b"]
    assert [(r.group, r.split, len(r.masks)) for r in found.records] == [("a", "", 3), ("b", "", 3)]


def test_instances_are_merged_and_keep_their_labels(tmp_path: Path) -> None:
    reader = Dsb2018(nucleus_files(tmp_path, "a"))
    sample = reader.read(only(reader))
    np.testing.assert_array_equal(sample.mask, FOREGROUND)
    labels = np.arange(1, 4)[:, None, None]
    np.testing.assert_array_equal(sample.instances, (labels * NUCLEI).sum(axis=0))


def test_the_image_has_no_alpha(tmp_path: Path) -> None:
    reader = Dsb2018(nucleus_files(tmp_path, "a"))
    image = reader.read(only(reader)).image
    np.testing.assert_array_equal(image, IMAGE)


def test_a_mask_may_be_coloured_transparent_soft_or_of_zeros_and_ones(tmp_path: Path) -> None:
    nucleus = NUCLEI[2].astype(np.uint8)
    soft = nucleus * 255
    soft[14, 20:30] = 90
    soft[20, 20:30] = 200
    wider = nucleus.astype(bool).copy()
    wider[20, 20:30] = True
    opaque = np.full_like(nucleus, 255)
    cases: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
        "bool": (nucleus > 0, nucleus),
        "ones": (nucleus, nucleus),
        "rgb": (np.stack([nucleus * 255] * 3, axis=2), nucleus),
        "rgba": (np.stack([nucleus * 255] * 3 + [opaque], axis=2), nucleus),
        "deep": (nucleus.astype(np.uint16) * 65535, nucleus),
        "soft": (soft, wider),
    }
    for name, (stored, expected) in cases.items():
        root = tmp_path / name
        save(root / "a" / "images" / "a.png", IMAGE)
        save(root / "a" / "masks" / "0.png", stored)
        reader = Dsb2018(root)
        np.testing.assert_array_equal(reader.read(only(reader)).mask, expected, err_msg=name)


def test_a_mask_of_another_size_is_the_one_that_is_named(tmp_path: Path) -> None:
    nucleus_files(tmp_path, "a")
    save(tmp_path / "a" / "masks" / "1.png", np.zeros((24, 31), np.uint8))
    reader = Dsb2018(tmp_path)
    with pytest.raises(SegkitError, match="32×24 against 31×24") as caught:
        reader.read(only(reader))
    assert caught.value.where == "a/images/a.png and a/masks/1.png"


def test_a_mask_that_is_not_of_whole_numbers_is_named(tmp_path: Path) -> None:
    nucleus_files(tmp_path, "a")
    save(tmp_path / "a" / "masks" / "3.tif", NUCLEI[0].astype(np.float32))
    reader = Dsb2018(tmp_path)
    with pytest.raises(SegkitError, match="a mask of float32") as caught:
        reader.read(only(reader))
    assert caught.value.where == str(tmp_path / "a" / "masks" / "3.tif")


def test_what_cannot_be_paired_is_a_problem(tmp_path: Path) -> None:
    nucleus_files(tmp_path, "a", "b", "c", "d")
    shutil.rmtree(tmp_path / "b" / "masks")
    shutil.rmtree(tmp_path / "c" / "images")
    save(tmp_path / "d" / "images" / "second.png", IMAGE)
    found = Dsb2018(tmp_path).listing()
    assert ids(found) == ["a"]
    assert whats(found) == [
        ("b/images/b.png", "an image without a mask"),
        ("c", "a mask without an image"),
        ("d", "several images for one id"),
    ]


def test_stage1_test_has_images_to_predict(tmp_path: Path) -> None:
    nucleus_files(tmp_path / "stage1_test", "a", "b")
    for masks in (tmp_path / "stage1_test").glob("*/masks"):
        shutil.rmtree(masks)
    alone = Dsb2018(tmp_path / "stage1_test").listing()
    assert (ids(alone), alone.problems) == (["a", "b"], [])
    assert not any(record.labelled for record in alone.records)
    assert Dsb2018(tmp_path / "stage1_test").read(alone.records[0]).mask is None

    nucleus_files(tmp_path / "stage1_train", "c")
    both = Dsb2018(tmp_path).listing()
    assert both.problems == []
    assert {record.id: record.labelled for record in both.records} == {
        "a": False,
        "b": False,
        "c": True,
    }


def test_one_id_in_two_trees_is_one_group_and_two_records(tmp_path: Path) -> None:
    nucleus_files(tmp_path / "one", "a", "b")
    nucleus_files(tmp_path / "two", "a")
    found = Dsb2018(tmp_path).listing()
    assert sorted((r.id, r.group) for r in found.records) == [
        ("b", "b"),
        ("one/a", "a"),
        ("two/a", "a"),
    ]


def test_flat_folders_give_their_split_and_components_as_instances(tmp_path: Path) -> None:
    reader = Dsb2018(flat_folders(tmp_path, train="ab", test="a"))
    found = reader.listing()
    assert found.problems == []
    assert [(r.id, r.group, r.split) for r in found.records] == [
        ("test/a", "test/a", "test"),
        ("train/a", "train/a", "train"),
        ("train/b", "train/b", "train"),
    ]
    sample = reader.read(found.records[0])
    assert sample.instances is not None
    np.testing.assert_array_equal(sample.mask, FOREGROUND)
    assert sample.instances.max() == 2, "nuclei that touch count as one"


def test_flat_orphans_are_problems_but_a_test_without_masks_is_not(tmp_path: Path) -> None:
    flat_folders(tmp_path, train="abc", test="de")
    (tmp_path / "train" / "masks" / "a.png").unlink()
    (tmp_path / "train" / "inputs" / "b.png").unlink()
    shutil.rmtree(tmp_path / "test" / "masks")
    found = Dsb2018(tmp_path).listing()
    assert {r.id: r.labelled for r in found.records} == {
        "test/d": False,
        "test/e": False,
        "train/c": True,
    }
    assert whats(found) == [
        ("train/inputs/a.png", "an image without a mask"),
        ("train/masks/b.png", "a mask without an image"),
    ]


def test_two_flat_files_of_one_name_are_a_problem(tmp_path: Path) -> None:
    flat_folders(tmp_path, train="ab")
    save(tmp_path / "train" / "inputs" / "a.bmp", IMAGE)
    found = Dsb2018(tmp_path).listing()
    assert whats(found) == [("train/inputs/a.png", "the same name as train/inputs/a.bmp")]
    assert ids(found) == ["train/a", "train/b"]


@pytest.mark.parametrize("kind", ["fluorescence", "stained", "brightfield"])
def test_imaging_type_is_told_from_pixels(kind: str) -> None:
    for seed in range(8):
        image, _ = draw_nuclei(np.random.default_rng(seed), kind=kind, size=64)
        assert imaging_type(image) == kind
        opaque = np.concatenate([image, np.full((64, 64, 1), 255, np.uint8)], axis=2)
        assert imaging_type(opaque) == kind, "the alpha channel is not looked at"
        if kind != "stained":
            assert imaging_type(image[..., 0]) == kind
    reader = Dsb2018("unused")
    assert reader.stratum(Record("a", "a", "a.png"), image) == kind
