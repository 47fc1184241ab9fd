"""The commands of docs/formats.md, run on volumes and radiographs that the test writes."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile

from segkit.core.tables import read_table
from tests.data.readers.dicom_sets import told, write_patients
from tests.data.readers.nifti_files import affine_of, save
from tests.documents import commands, run_tiny, split_command

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"


def section(heading: str) -> str:
    return PAGE.read_text("utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def write_task(root: Path) -> None:
    """Eight cases of two sequences in nnU-Net's layout, and one to predict."""
    labels = {"background": 0, "lesion": 1}
    root.mkdir()
    (root / "dataset.json").write_text(json.dumps({"labels": labels, "file_ending": ".nii.gz"}))
    rng = np.random.default_rng(0)
    for case in range(9):
        affine = affine_of(("LAS", "RAS", "LPS")[case % 3], (48, 40, 4))
        mask = np.zeros((48, 40, 4), np.uint8)
        mask[10 + case : 24 + case, 8:22] = 1
        kind = "Ts" if case == 8 else "Tr"
        for number, gain in enumerate((900, 300)):
            noise = rng.integers(0, 200, mask.shape)
            image = (noise + gain * mask.astype(np.int16)).astype(np.int16)
            save(root / f"images{kind}" / f"case{case}_{number:04}.nii.gz", image, affine)
        if kind == "Tr":
            save(root / "labelsTr" / f"case{case}.nii.gz", mask, affine)


def walk(heading: str, folder: Path) -> list[str]:
    """Run a section's commands where its data lie; gives their names."""
    seen = []
    for command in commands(section(heading)):
        name, words = split_command(command)
        done = (folder / "outputs").glob("*/*/*/summary.json")
        runs = sorted(done, key=lambda path: path.stat().st_mtime)
        words = [word.replace("DIR", str(runs[-1].parent)) if runs else word for word in words]
        run_tiny(name, words, folder)
        seen.append(name)
    return seen


def write_planes(root: Path) -> None:
    """Eight fields of two channels with labels, eight stacks with a mask each, one to predict."""
    rng = np.random.default_rng(0)
    for place in ("wells/images", "wells/masks", "stacks/images", "stacks/masks", "new"):
        (root / place).mkdir(parents=True)
    for number in range(8):
        labels = np.zeros((64, 64), np.uint16)
        for n in range(36):
            top, left = 2 + 10 * (n // 6), 2 + 10 * (n % 6)
            labels[top : top + 6 + number % 3, left : left + 7] = n + 1
        lit = np.where(labels, 3000, 300) + rng.integers(0, 200, (4, 64, 64))
        image = lit.astype(np.uint16)
        names = {"axes": "CYX", "Channel": {"Name": ["Actin", "DAPI"]}}
        tifffile.imwrite(root / f"wells/images/{number}.ome.tif", image[:2], metadata=names)
        tifffile.imwrite(root / f"wells/masks/{number}.tif", labels)
        for path in (f"stacks/images/{number}.tif", f"new/{number}.tif")[: 2 if number else 1]:
            tifffile.imwrite(root / path, image, imagej=True, metadata={"axes": "ZYX"})
        tifffile.imwrite(root / f"stacks/masks/{number}.tif", (labels > 0).astype(np.uint8))


@pytest.mark.slow
def test_channels_of_ome_tiff_and_stacks(tmp_path: Path) -> None:
    write_planes(tmp_path)
    walked = walk("Channels of OME-TIFF, and stacks", tmp_path)
    assert walked == ["check", "train", "check", "train", "predict"]
    masks = {path.name for path in (tmp_path / "found").glob("*.png")}
    assert masks == {f"{number}.png" for number in range(1, 8)}


@pytest.mark.slow
def test_a_nifti_series(tmp_path: Path) -> None:
    write_task(tmp_path / "Task01")
    assert walk("A NIfTI series", tmp_path) == ["check", "train", "predict"]
    image = nib.load(tmp_path / "Task01/imagesTs/case8_0000.nii.gz")
    mask = nib.load(tmp_path / "found/case8.nii.gz")
    assert mask.shape == image.shape
    np.testing.assert_array_equal(mask.affine, image.affine)
    assert len(read_table(tmp_path / "found/predictions.csv")) == 1


@pytest.mark.slow
def test_radiographs_and_ct_in_dicom(tmp_path: Path) -> None:
    for name in ("films", "ct"):
        write_patients(tmp_path / name, patients=8, slices=2)
    walked = walk("Radiographs and CT in DICOM", tmp_path)
    assert walked == ["check", "train", "train", "predict"]
    (split, _) = sorted((tmp_path / "outputs").glob("*/*/*/split.csv"))
    assert {row["group"] for row in read_table(split)} == {f"patient-{n:03}" for n in range(1, 9)}
    assert told(tmp_path / "outputs") == []
    objects = {f"s{patient}_{n}_seg.dcm" for patient in range(8) for n in range(2)}
    assert {path.name for path in (tmp_path / "found").glob("*.dcm")} == objects
