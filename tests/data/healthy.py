"""Patients of four slices in the layout of dataset=folder, the first of them healthy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import albumentations
import numpy as np
from numpy.typing import NDArray

from segkit.core.files import write_text
from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.readers.folder import Folder
from segkit.data.splits import SplitSpec
from segkit.drawing.overlay import encode_png

SLICES, SIDE, HEALTHY = 4, 32, 3
PATTERN = r"(p\d+)"


def patients(root: Path, classes: Mapping[int, int], *, radius: int = 6) -> Path:
    """Write them: the class that each patient's masks hold, 0 for none."""
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for patient, label in classes.items():
        for number in range(SLICES):
            mask: NDArray[np.uint8] = np.zeros((SIDE, SIDE), np.uint8)
            mask[4 : 4 + radius, 8 + number : 8 + number + radius] = label
            image = (rng.integers(60, 120, mask.shape) + 100 * (mask > 0)).astype(np.uint8)
            name = f"p{patient:02d}_{number}.png"
            (root / "images" / name).write_bytes(encode_png(image))
            (root / "masks" / name).write_bytes(encode_png(mask))
    return root


def healthy_first(root: Path, count: int = 8) -> Path:
    """Three healthy patients, and others."""
    return patients(root, {patient: int(patient >= HEALTHY) for patient in range(count)})


def table(path: Path, homes: Mapping[int, str]) -> Path:
    """A split.csv that puts each patient where it says."""
    rows = [
        f"p{patient:02d}_{number},p{patient:02d},{home},"
        for patient, home in homes.items()
        for number in range(SLICES)
    ]
    write_text(path, "\n".join(["id,group,split,stratum", *rows, ""]))
    return path


def healthy_validate(path: Path, count: int = 8) -> Path:
    """The split in which validation has the healthy patients and nobody else."""
    homes = {patient: "val" if patient < HEALTHY else "train" for patient in range(count)}
    return table(path, homes | {count - 1: "test"})


def opened(root: Path, caches: Path, split: SplitSpec, **changes: Any) -> SegmentationData:
    """As training opens them."""
    classes = changes.pop("classes", ("background", "tumour"))
    settings: dict[str, Any] = {
        "reader": Folder(
            root,
            classes=classes,
            mask_values=None,
            mask_threshold=None,
            manifest=None,
            group_pattern=PATTERN,
        ),
        "name": "patients",
        "split": split,
        "augmentation": Augmentation(transforms=[albumentations.NoOp()]),
        "size": (SIDE, SIDE),
        "crop": None,
        "channels": 1,
        "batch_size": 4,
        "num_workers": 0,
        "score_by": "image",
        "score_at": "native",
        "on_bad_record": "error",
        "cache_dir": caches,
        "panel_ids": None,
        "panel_count": 2,
        "seed": 0,
    }
    data = SegmentationData(**(settings | changes))
    data.prepare_data()
    return data
