"""OME-Zarrs as images and as masks of a data set: each a file of its folder, never looked into."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.core.planes import Planes
from segkit.data.readers.folder import Folder
from segkit.data.source import FolderSource
from segkit.imaging.formats.base import Slicing
from segkit.inference.inputs import find_inputs
from tests.data.readers.dicom_sets import put_mask
from tests.imaging.zarr_files import write_zarr

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 60000, (3, 24, 32)).astype(np.uint16)
MASK = RNG.integers(0, 2, (24, 32)).astype(np.uint8)


def test_an_image_is_read_like_a_file(tmp_path: Path) -> None:
    for number, version in enumerate((2, 3)):
        path = tmp_path / "images" / f"{number}.ome.zarr"
        write_zarr(path, IMAGE + number, "cyx", version=version)
        put_mask(tmp_path, str(number), MASK)
    reader = Folder(tmp_path, classes=("background", "cell"))
    found = reader.listing()
    assert [record.id for record in found.records] == ["0", "1"]
    assert not found.problems
    assert reader.passed_over() == ""
    assert reader.channels() == 3
    for number, record in enumerate(found.records):
        sample = reader.read(record)
        assert np.array_equal(reader.stored(record), np.moveaxis(IMAGE + number, 0, -1))
        assert sample.mask is not None
        assert np.array_equal(sample.mask, MASK)


def test_a_mask_too(tmp_path: Path) -> None:
    write_zarr(tmp_path / "images" / "a.zarr", IMAGE, "cyx")
    write_zarr(tmp_path / "masks" / "a.zarr", MASK.astype(np.int32), version=3)
    reader = Folder(tmp_path, classes=("background", "cell"))
    (record,) = reader.listing().records
    mask = reader.read(record).mask
    assert mask is not None
    assert np.array_equal(mask, MASK)


def test_planes_of_a_stack_are_records(tmp_path: Path) -> None:
    stack = RNG.integers(0, 255, (5, 24, 32)).astype(np.uint8)
    write_zarr(tmp_path / "images" / "a.ome.zarr", stack, "zyx")
    write_zarr(tmp_path / "masks" / "a.ome.zarr", stack // 128, "zyx")
    reader = Folder(tmp_path, classes=("background", "cell"))
    reader.planes = Planes(z="slices")
    reader.slicing = Slicing(planes=reader.planes)
    records = reader.listing().records
    assert len(records) == 5
    assert {record.group for record in records} == {"a"}
    assert np.array_equal(reader.stored(records[3]), stack[3])


def test_what_tells_that_it_changed(tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", IMAGE, "cyx")
    source = FolderSource(tmp_path)
    assert source.names() == ["a.zarr"]
    before = source.stamp("a.zarr"), source.checksum("a.zarr")
    assert before == (source.stamp("a.zarr"), source.checksum("a.zarr"))
    chunk = tmp_path / "a.zarr" / "0" / "0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"\0")
    assert source.stamp("a.zarr") != before[0]
    assert source.checksum("a.zarr") != before[1]


def test_one_that_is_damaged_is_told(tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", IMAGE, "cyx")
    (tmp_path / "a.zarr" / "0" / ".zarray").unlink()
    with pytest.raises(SegkitError, match=r"cannot be read[\s\S]*a.zarr"):
        FolderSource(tmp_path).read("a.zarr")


def test_within_an_archive_it_must_be_unpacked(tmp_path: Path) -> None:
    for version in (2, 3):
        write_zarr(tmp_path / "in" / "images" / f"{version}.zarr", IMAGE, "cyx", version=version)
    archive = Path(shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "in"))
    reader = Folder(archive, classes=("background", "cell"))
    with pytest.raises(SegkitError, match=r"holds OME-Zarrs: unpack it: unzip \S+a.zip -d"):
        reader.listing()
    with pytest.raises(SegkitError, match=r"\d+ of an OME-Zarr that must be unpacked"):
        find_inputs(str(archive))
