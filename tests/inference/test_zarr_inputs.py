"""OME-Zarrs that predict is given: by name, in a folder, by a pattern."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from segkit.core.errors import SegkitError
from segkit.core.planes import Planes
from segkit.imaging.zarr_bands import ZarrRows
from segkit.inference.cases import as_stacks
from segkit.inference.inputs import check_output, find_inputs
from segkit.inference.predictor import Member, Predictor
from segkit.inference.volumes import VolumeRows
from segkit.models.network import wrap
from segkit.tasks.semantic.task import SemanticTask
from tests.imaging.zarr_files import write_zarr

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(np.uint8)


def test_each_is_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = write_zarr(tmp_path / "a.ome.zarr", PIXELS)
    b = write_zarr(tmp_path / "deep" / "B.ZARR", PIXELS, version=3)
    for given, wanted in {
        "": [a],
        "a.ome.zarr": [a],
        "*.zarr": [a],
        "**/*": [a, b],
        "**/*.ZARR": [b],
    }.items():
        found, passed = find_inputs(str(tmp_path / given))
        assert [one.path for one in found] == wanted, given
        assert passed == ""
    assert find_inputs(str(a))[0][0].name == "a"
    monkeypatch.chdir(tmp_path)
    assert find_inputs("a.ome.zarr/")[0][0].name == "a"


def test_images_of_a_data_set(tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "day" / "images" / "a.zarr", PIXELS)
    write_zarr(tmp_path / "day" / "masks" / "a.zarr", PIXELS // 128)
    found, _ = find_inputs(str(tmp_path))
    assert [one.path for one in found] == [path]


def test_an_image_of_several_is_named_by_its_folder(tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr" / "7", PIXELS)
    (one,), _ = find_inputs(str(tmp_path / "a.zarr" / "7"))
    assert one.open(10**9).size == (40, 50)


def test_what_an_input_knows_of_itself(tmp_path: Path) -> None:
    (one,), _ = find_inputs(str(write_zarr(tmp_path / "a.zarr", PIXELS)))
    assert one.pixel_size() == (0.5, 0.25)
    assert isinstance(one.open(0), ZarrRows)
    before = one.stamp(), one.checksum()
    assert all(before)
    chunk = tmp_path / "a.zarr" / "0" / "0.0"
    chunk.write_bytes(chunk.read_bytes() + b"\0")
    assert one.stamp() != before[0]
    assert one.checksum() != before[1]


def test_planes_of_a_stack(tmp_path: Path) -> None:
    stack = np.stack([PIXELS, PIXELS // 2, PIXELS // 4])
    given, _ = find_inputs(str(write_zarr(tmp_path / "a.ome.zarr", stack, "zyx")))
    (one,) = as_stacks(given, Planes(z="slices"))
    assert one.mask == ".tif"
    opened = one.open(0)
    assert isinstance(opened, VolumeRows)
    assert np.array_equal(opened.rows(40, 80), PIXELS // 2)


def test_what_is_predicted_by_rows_is_that_of_the_array(tmp_path: Path) -> None:
    torch.manual_seed(0)
    predictor = Predictor(
        [Member(wrap(nn.Conv2d(3, 1, 3, padding=1), 3).eval(), None, 3)],
        task=SemanticTask(["background", "cell"]),
        device="cpu",
    )
    pixels = np.random.default_rng(0).integers(0, 60000, (3, 300, 100)).astype(np.uint16)
    path = write_zarr(tmp_path / "a.ome.zarr", pixels, "cyx", version=3, shards=(3, 64, 64))
    found = predictor(path, tile=64, overlap=16)
    wanted = predictor(np.moveaxis(pixels, 0, -1), tile=64, overlap=16)
    np.testing.assert_array_equal(found.probability, wanted.probability)


def test_the_output_is_not_within_one(tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", PIXELS)
    with pytest.raises(SegkitError, match="could be overwritten"):
        check_output(find_inputs(str(path))[0], path / "found")


def test_without_zarr_nothing_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zarr(tmp_path / "a.zarr", PIXELS)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        SegkitError, match=r"not installed: zarr[\s\S]*pip install 'segkit\[zarr\]'"
    ):
        find_inputs(str(path))
