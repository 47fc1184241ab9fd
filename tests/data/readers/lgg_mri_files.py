"""LGG-MRI in its published layout, a few slices of it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tifffile

CS, HT = "TCGA_CS_5396_20010302", "TCGA_HT_7684_19950816"
TABLE = "Patient,gender,age\nTCGA_CS_5396,2,53\nTCGA_XX_0000,,40\n"


def phantom(root: Path, patients: Mapping[str, int] | None = None) -> Path:
    """Two patients of 11 and 2 slices, or those given, 16×16×3; tumour in every other slice."""
    rng = np.random.default_rng(0)
    for patient, slices in (patients or {CS: 11, HT: 2}).items():
        folder = root / "kaggle_3m" / patient
        folder.mkdir(parents=True)
        for number in range(1, slices + 1):
            image = rng.integers(0, 255, (16, 16, 3)).astype(np.uint8)
            mask = np.zeros((16, 16), np.uint8)
            mask[2:6, 3:9] = 255 * (number % 2)
            stem = folder / f"{patient}_{number}"
            tifffile.imwrite(f"{stem}.tif", image, photometric="rgb")
            tifffile.imwrite(f"{stem}_mask.tif", mask)
    (root / "kaggle_3m" / "data.csv").write_text(TABLE)
    (root / "kaggle_3m" / "README.md").write_text("# about")
    return root


def as_published(root: Path, patients: Mapping[str, int] | None = None) -> Path:
    """The archive: the same tree twice."""
    phantom(root, patients)
    shutil.copytree(root / "kaggle_3m", root / "lgg-mri-segmentation" / "kaggle_3m")
    return Path(shutil.make_archive(str(root), "zip", root))
