"""Masks of lungs: the ways they are stored, and those that are refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from tests.data.readers.chest_xray_files import (
    MONTGOMERY,
    SIZE,
    _ancestor,
    _lung,
    _mask,
    _montgomery,
    _png,
    _reader,
    _records,
)

MASKS = {
    "0 and 255": _lung(),
    "0 and 1": _lung(high=1),
    "1 bit": _lung() > 0,
    "16 bit": _lung().astype(np.uint16) * np.uint16(257),
    "smoothed": np.where(_lung() > 0, np.uint8(200), np.uint8(90)),
    "RGB": np.stack([_lung()] * 3, axis=2),
    "grey and alpha": np.stack([_lung(), np.full(SIZE, 255, np.uint8)], axis=2),
    "RGBA": np.stack([*[_lung()] * 3, np.full(SIZE, 255, np.uint8)], axis=2),
}


@pytest.mark.parametrize("stored", MASKS.values(), ids=MASKS.keys())
def test_ways_to_store_a_mask(
    tmp_path: Path, stored: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.bool_]
) -> None:
    reader = _reader(tmp_path, _ancestor() | {"train_images/aa/masks/aa.png": _png(stored)})
    np.testing.assert_array_equal(_mask(reader, _records(reader)["aa"]), _lung(high=1))


@pytest.mark.parametrize("high", [2, 127])
def test_mask_of_unknown_values_is_refused_not_emptied(tmp_path: Path, high: int) -> None:
    files = _ancestor() | {"train_images/aa/masks/aa.png": _png(_lung(high=high))}
    reader = _reader(tmp_path, files)
    with pytest.raises(SegkitError, match=f"{high} as its highest value") as caught:
        reader.read(_records(reader)["aa"])
    assert caught.value.where.endswith("train_images/aa/masks/aa.png")


def test_empty_mask_is_empty(tmp_path: Path) -> None:
    files = _ancestor() | {"train_images/aa/masks/aa.png": _png(np.zeros(SIZE, np.uint8))}
    reader = _reader(tmp_path, files)
    assert not _mask(reader, _records(reader)["aa"]).any()


@pytest.mark.parametrize("side", ["leftMask", "rightMask"])
def test_mask_of_another_size_is_named(tmp_path: Path, side: str) -> None:
    name = f"{MONTGOMERY}ManualMask/{side}/MCUCXR_0001_0.png"
    small = np.zeros((SIZE[0], SIZE[1] - 1), np.uint8)
    reader = _reader(tmp_path, _montgomery() | {name: _png(small)})
    with pytest.raises(SegkitError, match="differ in size") as caught:
        reader.read(_records(reader)["MCUCXR_0001_0"])
    assert name in caught.value.where
