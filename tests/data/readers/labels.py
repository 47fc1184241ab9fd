"""Readers that are asked for objects, and images of objects to write."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segkit.core.contracts import Sample
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder

TWO = ("background", "cell")
SIDE = 48
Ints = NDArray[np.integer[Any]]


def squares(count: int = 30, first: int = 1, step: int = 1) -> NDArray[np.int64]:
    """Objects of 6 by 6 pixels; those of a row touch where ``count`` is above 36."""
    labels = np.zeros((SIDE, SIDE), np.int64)
    for number in range(count):
        row, column = divmod(number, 8)
        labels[6 * row : 6 * row + 5, 6 * column : 6 * column + 6] = first + step * number
    return labels


def picture(path: Path, shape: tuple[int, ...] = (SIDE, SIDE)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, 90, np.uint8)).save(path)


def label_set(root: Path, masks: dict[str, bytes]) -> Path:
    for name, data in masks.items():
        picture(root / "images" / f"{Path(name).stem}.png")
        (root / "masks").mkdir(exist_ok=True)
        (root / "masks" / name).write_bytes(data)
    return root


def asked(root: Path, **settings: Any) -> Folder:
    reader = Folder(root, **{"classes": TWO, **settings})
    reader.require_objects()
    return reader


def samples(reader: Reader) -> dict[str, Sample]:
    return {record.id: reader.read(record) for record in reader.listing().records}


def labels_of(sample: Sample) -> NDArray[np.int32]:
    """Of a sample that keeps the contract."""
    assert sample.instances is not None
    assert sample.mask is not None
    assert sample.instances.dtype == np.int32
    np.testing.assert_array_equal(sample.mask > 0, sample.instances > 0)
    return sample.instances
