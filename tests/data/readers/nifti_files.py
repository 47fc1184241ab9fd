"""NIfTI volumes that tests write, and what stands in their slices as nibabel has it."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, inv_ornt_aff
from numpy.typing import NDArray

SHAPE = (7, 9, 5)
AXES = ("sagittal", "coronal", "axial")


def affine_of(
    codes: str = "RAS", shape: tuple[int, ...] = SHAPE, oblique: float = 0.0
) -> NDArray[np.float64]:
    """Voxels that run to these sides of the patient, each 1×2×3 mm; oblique by some radians."""
    stored = inv_ornt_aff(axcodes2ornt(codes), shape)
    cos, sin = np.cos(oblique), np.sin(oblique)
    turn = np.array([[cos, -sin, 0, 4], [sin, cos, 0, -7], [0, 0, 1, 11], [0, 0, 0, 1]])
    about_x = np.array([[1, 0, 0, 0], [0, cos, -sin, 0], [0, sin, cos, 0], [0, 0, 0, 1]])
    return np.asarray(turn @ about_x @ np.diag([1.0, 2.0, 3.0, 1.0]) @ stored)


def voxels(seed: int, shape: tuple[int, ...] = SHAPE) -> NDArray[np.int16]:
    """Noise of 12 bits."""
    return np.random.default_rng(seed).integers(-1000, 3000, shape).astype(np.int16)


def save(
    path: Path, data: NDArray[Any], affine: NDArray[np.float64] | None = None, **header: Any
) -> Path:
    """Write one; ``header`` are fields of it, such as ``scl_slope``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine_of(shape=data.shape) if affine is None else affine)
    for field, value in header.items():
        image.header[field] = value
    nib.save(image, path)
    return path


def planes(path: Path, axis: str = "axial") -> NDArray[Any]:
    """(S, H, W) of a file, by nibabel: head or front up, the right (or the front) on the left."""
    canonical = np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj)
    stacked = np.moveaxis(canonical, AXES.index(axis), 0)
    return np.stack([plane[::-1, ::-1].T for plane in stacked])


def volumes(root: Path, names: str = "abc", suffix: str = ".nii.gz") -> Path:
    """``images/`` and ``masks/``, each volume stored in another orientation."""
    orientations = ("LAS", "RAS", "PIR", "ASL", "LPS")
    for number, name in enumerate(names):
        affine = affine_of(orientations[number % 5], oblique=0.1)
        data = voxels(number)
        save(root / "images" / f"{name}{suffix}", data, affine)
        save(root / "masks" / f"{name}{suffix}", (data > 1500).astype(np.uint8), affine)
    return root


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
