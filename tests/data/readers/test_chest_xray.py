"""Chest radiographs in the layouts they are published in, alone and side by side."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segkit.core.contracts import UNLABELLED, check_sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.chest_xray import ChestXray
from tests.data.readers.chest_xray_files import (
    MONTGOMERY,
    SHENZHEN,
    SIZE,
    _ancestor,
    _lung,
    _mask,
    _montgomery,
    _png,
    _radiograph,
    _reader,
    _records,
    _shenzhen,
)

holders = pytest.mark.parametrize("holder", ["folder", "zip"])


def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path
) -> None:
    files = _ancestor() | _montgomery() | _shenzhen(f"{SHENZHEN}mask")
    contract(_reader(tmp_path / "set", files).root, ChestXray)


@holders
@pytest.mark.parametrize("prefix", ["", "data/chest/"])
def test_ancestors_tree(tmp_path: Path, holder: str, prefix: str) -> None:
    reader = _reader(tmp_path, _ancestor(prefix), holder)
    records = _records(reader)
    assert list(records) == ["dd", "aa", "bb", "cc"]
    assert {r.id for r in records.values() if r.split == UNLABELLED} == {"dd"}
    assert reader.read(records["dd"]).mask is None
    np.testing.assert_array_equal(_mask(reader, records["bb"]), _lung(high=1))
    np.testing.assert_array_equal(reader.read(records["bb"]).image, _radiograph())


@holders
def test_montgomery_merges_both_lungs(tmp_path: Path, holder: str) -> None:
    reader = _reader(tmp_path, _montgomery(), holder)
    records = _records(reader)
    assert list(records) == ["MCUCXR_0001_0", "MCUCXR_0104_1"]
    for record in records.values():
        assert len(record.masks) == 2
        assert (record.group, record.stratum, record.split) == (record.id, "montgomery", "")
        np.testing.assert_array_equal(_mask(reader, record), _lung(high=1))
    assert [r.facts["finding"] for r in records.values()] == ["normal", "abnormal"]


@pytest.mark.parametrize("folder", ["mask", "masks", f"{SHENZHEN}mask", f"{SHENZHEN}CXR_png"])
@holders
def test_shenzhen_without_a_mask_is_unlabelled(tmp_path: Path, holder: str, folder: str) -> None:
    reader = _reader(tmp_path, _shenzhen(folder), holder)
    records = _records(reader)
    assert {r.id: r.split for r in records.values()} == {
        "CHNCXR_0001_0": "",
        "CHNCXR_0025_0": UNLABELLED,
        "CHNCXR_0327_1": "",
    }
    assert {r.stratum for r in records.values()} == {"shenzhen"}
    assert records["CHNCXR_0327_1"].facts == {"finding": "abnormal"}
    np.testing.assert_array_equal(_mask(reader, records["CHNCXR_0327_1"]), _lung(high=1))


@holders
def test_all_side_by_side(tmp_path: Path, holder: str) -> None:
    files = _ancestor() | _montgomery() | _shenzhen()
    reader = _reader(tmp_path, files, holder)
    records = _records(reader)
    assert len(records) == 4 + 2 + 3
    assert sorted({r.stratum for r in records.values()}) == ["", "montgomery", "shenzhen"]
    for record in records.values():
        if record.labelled:
            np.testing.assert_array_equal(_mask(reader, record), _lung(high=1))


@pytest.mark.parametrize("copies", [("",), ("Lung Segmentation/", "data/Lung Segmentation/")])
def test_both_sets_in_one_folder_count_once(tmp_path: Path, copies: tuple[str, ...]) -> None:
    files = {}
    for copy in copies:
        for stem in ("MCUCXR_0001_0", "CHNCXR_0001_0", "CHNCXR_0025_0"):
            files[f"{copy}CXR_png/{stem}.png"] = _png(_radiograph())
        files[f"{copy}masks/MCUCXR_0001_0.png"] = _png(_lung())
        files[f"{copy}masks/CHNCXR_0001_0_mask.png"] = _png(_lung())
    records = _records(_reader(tmp_path, files))
    assert sorted(records) == ["CHNCXR_0001_0", "CHNCXR_0025_0", "MCUCXR_0001_0"]
    assert {r.stratum for r in records.values()} == {"montgomery", "shenzhen"}
    assert records["CHNCXR_0001_0"].masks == (f"{copies[0]}masks/CHNCXR_0001_0_mask.png",)
    assert records["MCUCXR_0001_0"].masks == (f"{copies[0]}masks/MCUCXR_0001_0.png",)
    assert not records["CHNCXR_0025_0"].labelled


def test_one_stem_in_two_sets_stays_two_patients(tmp_path: Path) -> None:
    files = _montgomery(("0001_0",))
    files[f"{SHENZHEN}CXR_png/0001_0.png"] = _png(_radiograph(1))
    files[f"{SHENZHEN}mask/0001_0_mask.png"] = _png(_lung(left=False))
    reader = _reader(tmp_path, files)
    records = _records(reader)
    first, second = f"{SHENZHEN}CXR_png/0001_0", f"{MONTGOMERY}CXR_png/0001_0"
    assert list(records) == [first, second]
    assert len({r.group for r in records.values()}) == 2
    np.testing.assert_array_equal(_mask(reader, records[second]), _lung(high=1))
    np.testing.assert_array_equal(_mask(reader, records[first]), _lung(left=False, high=1))


def test_orphans_are_named(tmp_path: Path) -> None:
    files = _ancestor() | _montgomery(("MCUCXR_0001_0", "MCUCXR_0002_0", "MCUCXR_0003_0"))
    files |= _shenzhen()
    del files["train_images/aa/masks/aa.png"]
    del files["train_images/bb/images/bb.png"]
    del files[f"{MONTGOMERY}CXR_png/MCUCXR_0001_0.png"]
    del files[f"{MONTGOMERY}ManualMask/rightMask/MCUCXR_0002_0.png"]
    del files[f"{MONTGOMERY}ManualMask/leftMask/MCUCXR_0003_0.png"]
    del files[f"{MONTGOMERY}ManualMask/rightMask/MCUCXR_0003_0.png"]
    del files[f"{SHENZHEN}CXR_png/CHNCXR_0001_0.png"]
    files["train_images/cc/images/cc2.png"] = _png(_radiograph())
    found = _reader(tmp_path, files).listing()
    masks = f"{MONTGOMERY}ManualMask"
    assert {(p.where, p.what.partition(":")[0]) for p in found.problems} == {
        ("train_images/aa/images/aa.png", "an image without a mask"),
        ("train_images/bb/masks/bb.png", "a mask without an image"),
        (
            "train_images/cc/images/cc.png, train_images/cc/images/cc2.png",
            "several images for one id",
        ),
        (f"{masks}/leftMask/MCUCXR_0001_0.png", "a mask without an image"),
        (f"{masks}/rightMask/MCUCXR_0001_0.png", "a mask without an image"),
        (f"{MONTGOMERY}CXR_png/MCUCXR_0002_0.png", "only one lung has a mask"),
        (f"{MONTGOMERY}CXR_png/MCUCXR_0003_0.png", "an image without a mask"),
        ("mask/CHNCXR_0001_0_mask.png", "a mask without an image"),
    }
    assert sorted(r.id for r in found.records) == ["CHNCXR_0025_0", "CHNCXR_0327_1", "dd"]


def test_montgomery_without_any_masks_is_unlabelled(tmp_path: Path) -> None:
    files = {name: data for name, data in _montgomery().items() if "/ManualMask/" not in name}
    assert {r.split for r in _records(_reader(tmp_path, files)).values()} == {UNLABELLED}


def test_masks_of_other_data_sets_are_not_ours(tmp_path: Path) -> None:
    reader = _reader(tmp_path, {"kaggle_3m/TCGA/TCGA_1_mask.tif": b"", "x/masks/x.png": b""})
    with pytest.raises(SegkitError, match="ChestXray") as caught:
        reader.listing()
    assert "CXR_png" in caught.value.remedy


@pytest.mark.parametrize("depth", [12, 16])
def test_deep_radiographs_use_the_whole_range(tmp_path: Path, depth: int) -> None:
    ramp = np.linspace(0, 2**depth - 1, SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.uint16)
    files = _montgomery(("MCUCXR_0001_0",))
    files[f"{MONTGOMERY}CXR_png/MCUCXR_0001_0.png"] = _png(ramp)
    reader = _reader(tmp_path, files)
    record = _records(reader)["MCUCXR_0001_0"]
    sample = reader.read(record)
    check_sample(sample, record, 2)
    assert (int(sample.image.min()), int(sample.image.max())) == (0, 255)
    expected = np.linspace(0, 255, ramp.size).reshape(SIZE)
    assert np.abs(sample.image - expected).max() < 2


def test_a_large_radiograph_is_read(tmp_path: Path) -> None:
    image = np.zeros((3000, 2900), np.uint16)
    image[1000:2000, 1000:2000] = 4095
    files = {
        "train_images/aa/images/aa.png": _png(image),
        "train_images/aa/masks/aa.png": _png(image > 0),
    }
    reader = _reader(tmp_path, files)
    sample = reader.read(_records(reader)["aa"])
    assert sample.mask is not None
    assert sample.image.shape == (3000, 2900)
    np.testing.assert_array_equal(sample.image == 255, sample.mask == 1)


@pytest.mark.parametrize(
    ("grey", "origin"), [(60, "montgomery"), (106, "montgomery"), (117, "shenzhen")]
)
def test_a_name_that_tells_nothing_leaves_the_film(tmp_path: Path, grey: int, origin: str) -> None:
    reader = _reader(tmp_path, _ancestor() | _shenzhen())
    film = np.full((8, 8), grey, np.uint8)
    film[:3] = 255
    for record in _records(reader).values():
        assert reader.stratum(record, film) == (record.stratum or origin)
