"""Sequences of a patient in files of their own, as nnU-Net lays them out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segkit.data.readers.folder import Folder
from segkit.imaging.pixels import to_uint8
from segkit.runs.settled import settled
from tests.data.readers.nifti_files import SHAPE, affine_of, planes, save, voxels

TWO = ("background", "foreground")


def nnunet(root: Path, cases: str = "ab", count: int = 2) -> Path:
    """Cases of some sequences in nnU-Net's layout, and one to predict."""
    for place, names in (("imagesTr", cases), ("imagesTs", "z")):
        for case in names:
            for number in range(count):
                seed = 10 * ord(case) + number
                save(root / place / f"{case}_{number:04}.nii.gz", voxels(seed), affine_of("LAS"))
    for case in cases:
        truth = voxels(10 * ord(case)) > 1500
        save(root / "labelsTr" / f"{case}.nii.gz", truth.astype(np.uint8), affine_of("LAS"))
    return root


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sequences_are_channels_each_with_its_own_window(tmp_path: Path, count: int) -> None:
    reader = Folder(nnunet(tmp_path, count=count), classes=TWO)
    found = reader.listing()
    assert found.problems == []
    expected = {1: 3, 2: (0, 1), 3: (0, 1, 2)}[count]
    assert reader.channels() == expected, "grey is given as three, as ever; a sequence never"
    assert settled({"dataset": {"channels": "auto"}}, reader)["dataset"]["channels"] == (
        expected if isinstance(expected, int) else list(expected)
    )
    by_id = {record.id: record for record in found.records}
    assert [by_id[name].split for name in ("a#0", "b#4", "z#0")] == ["train", "train", "test"]
    assert [by_id[name].labelled for name in ("a#0", "b#4", "z#0")] == [True, True, False]
    record = by_id["b#3"]
    assert record.group == "b"
    image = reader.read(record).image.reshape(9, 7, count)
    for number in range(count):
        stored = planes(tmp_path / "imagesTr" / f"b_{number:04}.nii.gz")
        np.testing.assert_array_equal(image[..., number], to_uint8(stored, "")[3])
    assert len(reader.files(record)) == count + 1
    assert reader.passed_over() == ""


def test_a_number_alone_tells_nothing(tmp_path: Path) -> None:
    """Many a patient is called by one."""
    for number in range(2):
        for kind, data in (("images", voxels(number)), ("masks", np.zeros(SHAPE, np.uint8))):
            save(tmp_path / kind / f"patient_{number:04}.nii.gz", data)
    found = Folder(tmp_path, classes=TWO).listing()
    assert sorted({record.group for record in found.records}) == ["patient_0000", "patient_0001"]
    assert all(record.sequences == () for record in found.records)


def test_beside_masks_without_a_number_they_are_sequences(tmp_path: Path) -> None:
    for number in range(2):
        save(tmp_path / "images" / f"patient_{number:04}.nii.gz", voxels(number))
    save(tmp_path / "masks" / "patient.nii.gz", np.ones(SHAPE, np.uint8))
    found = Folder(tmp_path, classes=TWO).listing()
    assert found.records[0].sequences == ("images/patient_0001.nii.gz#0",)
    assert {record.group for record in found.records} == {"patient"}


def test_a_case_without_one_of_its_sequences_is_a_problem(tmp_path: Path) -> None:
    root = nnunet(tmp_path, cases="abc")
    (root / "imagesTr" / "b_0000.nii.gz").unlink()
    save(root / "imagesTr" / "c_0002.nii.gz", voxels(0), affine_of("LAS"))
    found = Folder(root, classes=TWO).listing()
    assert {record.group for record in found.records} == {"a", "z"}
    what = {problem.where: problem.what for problem in found.problems}
    assert "without its sequence 0000" in what["imagesTr/b_0001.nii.gz"]
    assert "3 sequences, where most have 2" in what["imagesTr/c_0000.nii.gz"]


def test_sequences_of_planes_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shown = rng.integers(0, 256, (2, 12, 10), np.uint8)
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    for number in range(2):
        Image.fromarray(shown[number]).save(tmp_path / "imagesTr" / f"a_{number:04}.png")
    Image.fromarray((shown[0] > 99).astype(np.uint8)).save(tmp_path / "labelsTr" / "a.png")
    reader = Folder(tmp_path, classes=TWO)
    [record] = reader.listing().records
    np.testing.assert_array_equal(reader.read(record).image, np.dstack([*shown]))
    assert record.id == "a"
