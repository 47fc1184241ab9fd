"""DynamicNuclearNet in both layouts, and its pairs of JPEG files."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segkit.core.contracts import UNLABELLED, check_sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.deepcell import DeepCell
from tests.data.readers.deepcell_files import (
    COUNTS,
    _jpeg,
    _jpeg_files,
    _npz_files,
    _reader,
    _two_squares,
    holders,
)


@pytest.mark.parametrize("layout", ["jpeg", "npz"])
def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path, layout: str
) -> None:
    files = _jpeg_files() if layout == "jpeg" else _npz_files()
    contract(_reader(tmp_path / "set", files).root, DeepCell)


@holders
def test_jpeg_pairs(tmp_path: Path, holder: str) -> None:
    reader = _reader(tmp_path, _jpeg_files(), holder)
    found = reader.listing()
    assert found.problems == []
    assert [r.id for r in found.records if r.split == "train"] == [
        "train/10339",
        "train/10340",
        "train/10341",
    ]
    assert [r.split for r in found.records].count("val") == 2
    assert [r.split for r in found.records].count("test") == 1
    assert all(record.group == record.id for record in found.records)
    record = next(r for r in found.records if r.id == "train/10340")
    sample = reader.read(record)
    check_sample(sample, record, len(reader.classes))
    assert abs(int(sample.image[10, 10]) - 50) <= 2
    assert reader.files(record) == (record.image, record.masks[0])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_ringing_is_cut_and_nuclei_are_counted(tmp_path: Path, mode: str) -> None:
    files = _jpeg_files()
    name = "DeepCell/test/masks/10339.jpg"
    files[name] = _jpeg(_two_squares(), mode, quality=40)
    stored = np.asarray(Image.open(io.BytesIO(files[name])).convert("L"))
    assert len(np.unique(stored)) > 2  # there is ringing to cut
    reader = _reader(tmp_path, files)
    sample = reader.read(next(r for r in reader.scan().records if r.id == "test/10339"))
    assert sample.mask is not None
    assert sample.instances is not None
    np.testing.assert_array_equal(sample.mask, _two_squares() // 255)
    assert sample.instances.dtype == np.int32
    assert np.unique(sample.instances).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(sample.instances > 0, sample.mask > 0)


def test_jpeg_orphans_are_named(tmp_path: Path) -> None:
    files = _jpeg_files()
    del files["DeepCell/train/masks/10339.jpg"]
    del files["DeepCell/valid/images/10340.jpg"]
    files["DeepCell/test/masks/10339.png"] = b""
    found = _reader(tmp_path, files).scan()
    assert {(p.where, p.what) for p in found.problems} == {
        ("DeepCell/train/images/10339.jpg", "an image without a mask"),
        ("DeepCell/valid/masks/10340.jpg", "a mask without an image"),
        (
            "DeepCell/test/masks/10339.jpg, DeepCell/test/masks/10339.png",
            "several masks for one image",
        ),
    }
    assert len(found.records) == sum(COUNTS.values()) - 3


def test_tree_without_masks_is_unlabelled(tmp_path: Path) -> None:
    images = {name: data for name, data in _jpeg_files().items() if "/images/" in name}
    reader = _reader(tmp_path, images)
    records = reader.listing().records
    assert {r.split for r in records} == {UNLABELLED}
    assert not any(r.labelled for r in records)
    assert reader.read(records[0]).mask is None


def test_two_trees_keep_their_ids_apart(tmp_path: Path) -> None:
    ids = [r.id for r in _reader(tmp_path, _jpeg_files("a/") | _jpeg_files("b/")).scan().records]
    assert len(set(ids)) == len(ids) == 2 * sum(COUNTS.values())
    assert "a/train/10339" in ids


def test_deep_mask_is_refused_by_name(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(_two_squares().astype(np.uint16) * 257).save(buffer, "PNG")
    files = {"train/images/1.jpg": _jpeg(_two_squares()), "train/masks/1.png": buffer.getvalue()}
    reader = _reader(tmp_path, files)
    with pytest.raises(SegkitError, match="uint16") as caught:
        reader.read(reader.scan().records[0])
    assert caught.value.where.endswith("train/masks/1.png")


@holders
def test_loaders_give_what_read_gives(tmp_path: Path, holder: str) -> None:
    reader = _reader(tmp_path, _npz_files() | _jpeg_files(), holder)
    records = reader.scan().records
    for chosen in (records, records[::-1], records[1::3]):
        for record, load in zip(chosen, reader.loaders(chosen), strict=True):
            again, sample = reader.read(record), load()
            np.testing.assert_array_equal(sample.image, again.image)
            np.testing.assert_array_equal(sample.instances, again.instances)


def test_another_data_set_is_refused_with_the_layout(tmp_path: Path) -> None:
    reader = _reader(tmp_path, {"abc/images/abc.png": _jpeg(_two_squares()), "other.npz": b""})
    with pytest.raises(SegkitError, match="DeepCell") as caught:
        reader.listing()
    assert "train.npz" in caught.value.remedy
