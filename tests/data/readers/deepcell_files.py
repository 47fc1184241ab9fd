"""DynamicNuclearNet in both of its layouts, a few images of it: as files, and in a zip."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.data.readers.deepcell import DeepCell
from tests.data.trees import placed

COUNTS = {"train": 3, "valid": 2, "test": 1}


def _jpeg(pixels: NDArray[np.uint8], mode: str = "L", quality: int = 75) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _two_squares(size: int = 64) -> NDArray[np.uint8]:
    mask = np.zeros((size, size), np.uint8)
    mask[3:20, 3:20] = 255
    mask[40:60, 30:55] = 255
    return mask


def _jpeg_files(prefix: str = "DeepCell/") -> dict[str, bytes]:
    files = {}
    for split, count in COUNTS.items():
        for number in range(count):
            grey = np.full((64, 64), 20 * number + 30, np.uint8)
            files[f"{prefix}{split}/images/{10339 + number}.jpg"] = _jpeg(grey)
            files[f"{prefix}{split}/masks/{10339 + number}.jpg"] = _jpeg(_two_squares())
    return files


def _stack(count: int, size: int = 16, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    images = rng.gamma(2.0, 500.0, (count, size, size, 1)).astype(np.float32)
    labels = np.zeros((count, size, size, 1), np.int64)
    labels[:, 2:6, 2:6] = 3
    labels[:, 6:9, 2:6] = 70000
    return images, labels


def _npz(compress: bool = True, **arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    meta = np.array([{"tissue": "HeLa"}], dtype=object)
    (np.savez_compressed if compress else np.savez)(buffer, meta=meta, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _npz_files(prefix: str = "", compress: bool = True) -> dict[str, bytes]:
    files = {}
    for seed, (name, count) in enumerate({"train": 4, "val": 2, "test": 3}.items()):
        images, labels = _stack(count, seed=seed)
        files[f"{prefix}{name}.npz"] = _npz(compress, X=images, y=labels)
    return files


def _reader(root: Path, files: dict[str, bytes], holder: str = "folder") -> DeepCell:
    return DeepCell(placed(root, files, holder))


holders = pytest.mark.parametrize("holder", ["folder", "stored zip", "deflated zip"])
