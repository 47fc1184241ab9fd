"""Small chest radiographs in the layouts they are published in, and their reader."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segkit.core.contracts import Record, check_sample
from segkit.data.readers.chest_xray import ChestXray
from tests.data.trees import placed

SIZE = (24, 20)  # rows, columns
MONTGOMERY = "MontgomerySet/"
SHENZHEN = "ChinaSet_AllFiles/"


def _png(pixels: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.bool_]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _radiograph(seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, SIZE, np.uint8)


def _lung(left: bool = True, right: bool = True, high: int = 255) -> NDArray[np.uint8]:
    mask = np.zeros(SIZE, np.uint8)
    mask[4:20, 2:8] = high * right  # the patient's right lung is on the picture's left
    mask[4:20, 12:18] = high * left
    return mask


def _ancestor(prefix: str = "") -> dict[str, bytes]:
    files = {}
    for name in ("aa", "bb", "cc"):
        files[f"{prefix}train_images/{name}/images/{name}.png"] = _png(_radiograph())
        files[f"{prefix}train_images/{name}/masks/{name}.png"] = _png(_lung())
    files[f"{prefix}test_images/dd/dd.png"] = _png(_radiograph())
    return files


def _montgomery(stems: tuple[str, ...] = ("MCUCXR_0001_0", "MCUCXR_0104_1")) -> dict[str, bytes]:
    files = {}
    for stem in stems:
        files[f"{MONTGOMERY}CXR_png/{stem}.png"] = _png(_radiograph())
        masks = f"{MONTGOMERY}ManualMask"
        files[f"{masks}/leftMask/{stem}.png"] = _png(_lung(right=False) > 0)
        files[f"{masks}/rightMask/{stem}.png"] = _png(_lung(left=False) > 0)
    files[f"{MONTGOMERY}ClinicalReadings/{stems[0]}.txt"] = b"Patient's Sex: F"
    return files


def _shenzhen(folder: str = "mask") -> dict[str, bytes]:
    files = {f"{SHENZHEN}CXR_png/CHNCXR_0025_0.png": _png(_radiograph())}
    for stem in ("CHNCXR_0001_0", "CHNCXR_0327_1"):
        files[f"{SHENZHEN}CXR_png/{stem}.png"] = _png(np.stack([_radiograph()] * 3, axis=2))
        files[f"{folder}/{stem}_mask.png"] = _png(_lung())
    return files


def _reader(root: Path, files: Mapping[str, bytes], holder: str = "folder") -> ChestXray:
    return ChestXray(placed(root, files, holder))


def _records(reader: ChestXray) -> dict[str, Record]:
    found = reader.listing()
    assert found.problems == []
    records = {record.id: record for record in found.records}
    assert len(records) == len(found.records)
    return records


def _mask(reader: ChestXray, record: Record) -> NDArray[np.uint8]:
    sample = reader.read(record)
    check_sample(sample, record, len(reader.classes))
    assert sample.mask is not None
    return sample.mask


def write_films(path: Path, patients: int = 8) -> None:
    """A zip of both sets in one folder, as Kaggle has them; lungs are darker."""
    files = {}
    for number in range(2 * patients):
        stem = f"{('MCUCXR', 'CHNCXR')[number % 2]}_{number:04}_{number // 2 % 2}"
        film = _radiograph(number) // 4 + 150 - _lung() // 3
        files[f"CXR_png/{stem}.png"] = _png(film)
        files[f"masks/{stem}{'_mask' * (number % 2)}.png"] = _png(_lung())
    path.parent.mkdir(parents=True, exist_ok=True)
    placed(path.parent, files, "stored zip")
