"""TIFF stacks of which each plane is a record: dataset.z=slices."""

import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.planes import PLAIN, Planes
from segkit.inference.cases import as_stacks
from segkit.inference.names import Input
from segkit.inference.volume_files import VolumeFiles
from segkit.inference.volumes import VolumeRows
from segkit.inference.wanted import Wanted
from tests.data.mask_files import read, reader_of
from tests.data.test_planes import IMAGE, MASK, data_set


def test_each_plane_is_a_record_and_the_stack_their_group(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK, metadata={"axes": "ZYX"})
    for given in ((), ("dataset.axes=TYX",)):
        reader = reader_of(root, "dataset.z=slices", *given)
        found = reader.listing().records
        assert [record.id for record in found] == [f"a#{number}" for number in range(5)]
        assert {record.group for record in found} == {"a"}
        np.testing.assert_array_equal(read(reader), MASK)
        np.testing.assert_array_equal([reader.stored(record) for record in found], IMAGE)


def test_planes_of_several_channels(tmp_path: Path) -> None:
    image = np.stack([IMAGE, 255 - IMAGE], axis=1)
    root = data_set(tmp_path, image, MASK, imagej=True)
    tifffile.imwrite(root / "images" / "a.tif", image, imagej=True, metadata={"axes": "ZCYX"})
    tifffile.imwrite(root / "masks" / "a.tif", MASK, imagej=True, metadata={"axes": "ZYX"})
    reader = reader_of(root, "dataset.z=slices")
    images = [reader.stored(record) for record in reader.listing().records]
    np.testing.assert_array_equal(images, np.moveaxis(image, 1, -1))
    np.testing.assert_array_equal(read(reader), MASK)


def test_plain_files_among_stacks(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK, metadata={"axes": "ZYX"})
    for kind, pixels in (("images", IMAGE[0]), ("masks", MASK[0])):
        tifffile.imwrite(root / kind / "b.tif", pixels)
    records = reader_of(root, "dataset.z=slices").listing().records
    assert [record.id for record in records] == [*(f"a#{n}" for n in range(5)), "b"]


@pytest.mark.parametrize("kind", ["miniswhite", "palette"])
def test_a_stack_whose_values_may_mean_two_things(kind: str, tmp_path: Path) -> None:
    table = np.zeros((3, 256), np.uint16)
    options = {"colormap": table} if kind == "palette" else {}
    root = data_set(tmp_path, IMAGE, MASK, metadata={"axes": "ZYX"}, photometric=kind, **options)
    listing = reader_of(root, "dataset.z=slices").listing()
    assert not listing.records
    assert "0 is white" in listing.problems[0].what


def test_a_stack_is_predicted_plane_by_plane(tmp_path: Path) -> None:
    stack, plane = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(stack, IMAGE, photometric="minisblack", metadata={"axes": "ZYX"})
    tifffile.imwrite(plane, IMAGE[0])
    inputs = [Input(stack), Input(plane), Input(tmp_path / "none.tif")]
    assert as_stacks(inputs, PLAIN) == inputs
    found = as_stacks(inputs, Planes(z="slices"))
    assert [one.mask for one in found] == [".tif", "", ""]
    volume = found[0].open(0)
    assert isinstance(volume, VolumeRows)
    np.testing.assert_array_equal([volume.image(n) for n in range(5)], IMAGE)


def test_the_mask_of_a_stack_is_one(tmp_path: Path) -> None:
    stack = tmp_path / "a.tif"
    tifffile.imwrite(stack, IMAGE, photometric="minisblack", metadata={"axes": "ZYX"})
    (one,) = as_stacks([Input(stack)], Planes(z="slices"))
    volume = one.open(0)
    assert isinstance(volume, VolumeRows)
    (tmp_path / "out").mkdir()
    wanted = Wanted(tmp_path / "out", "png", (0, 255))
    with VolumeFiles(wanted, one, volume) as files:
        files.add(0, None, MASK.reshape(-1, MASK.shape[2]), None)
        files.finish()
    with tifffile.TiffFile(tmp_path / "out" / "a.tif") as tiff:
        assert tiff.series[0].axes == "ZYX"
        np.testing.assert_array_equal(tiff.asarray(), 255 * MASK)


def test_one_mask_of_a_whole_stack_is_told_what_else_to_do(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK[0], metadata={"axes": "ZYX"})
    (problem,) = reader_of(root, "dataset.z=slices").listing().problems
    assert problem.what == "a volume, and masks/a.png of it is a plane"
    assert "dataset.z=max" in problem.remedy
    np.testing.assert_array_equal(read(reader_of(root, "dataset.z=max")), MASK[:1])


def test_a_damaged_stack_is_a_problem_of_the_listing(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK, metadata={"axes": "ZYX"})
    path = root / "images" / "a.tif"
    path.write_bytes(path.read_bytes()[:300])
    listing = reader_of(root, "dataset.z=slices").listing()
    assert [problem.where for problem in listing.problems] == ["images/a.tif"]
    with pytest.raises(SegkitError):
        Input(path, planes=Planes(z="slices")).open(0)


def test_a_stack_that_memory_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = data_set(tmp_path, IMAGE, MASK, metadata={"axes": "ZYX"})
    planes = [reader_of(root, f"dataset.z={z}") for z in ("slices", "max")]
    records = [reader.listing().records[0] for reader in planes]
    monkeypatch.setattr(memory, "_LITTLE", 0)
    monkeypatch.setattr(memory, "available", lambda: IMAGE.nbytes - 1)
    for reader, record in zip(planes, records, strict=True):
        with pytest.raises(SegkitError, match="decoding 0 MB of TIFF needs"):
            reader.read(record)


def test_who_decodes_a_stack_waits_for_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older slices of it wait for its lock: there would be no end."""
    reader = reader_of(
        data_set(tmp_path, IMAGE, MASK, metadata={"axes": "ZYX"}), "dataset.z=slices"
    )
    second, queue = reader.listing().records[1], memory.MemoryQueue()
    monkeypatch.setattr(memory, "_LITTLE", 0)
    queue._room = 0
    for number in range(2):
        queue.begin(number)

    def work() -> None:
        with queue.turn(1):
            reader.read(second)

    decoding = threading.Thread(target=work)
    decoding.start()
    decoding.join(timeout=20)
    waits = decoding.is_alive()
    queue.close()
    assert not waits
