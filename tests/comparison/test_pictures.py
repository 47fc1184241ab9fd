"""Pictures beside scores: of the ground truth that the scores are of, or none."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from segkit.comparison.pictures import _check_truth
from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.data.cache_build import pixels_checksum
from segkit.data.readers.folder import Folder


def test_a_ground_truth_that_was_replaced_is_not_drawn(tmp_path: Path) -> None:
    reader = Folder(tmp_path, classes=("background", "cell"))
    mask = np.zeros((4, 6), np.uint8)
    mask[1, 2] = 1
    record = Record("b", "b", "b.png", ("b_mask.png",))
    for truth, other in ((pixels_checksum(mask), False), ("", False), ("0123456789abcdef", True)):
        run = SimpleNamespace(ids=("a", "b"), truths=("another", truth))
        configuration = cast("Any", SimpleNamespace(runs=[[run]]))
        if not other:
            _check_truth(mask, record, configuration, reader)
            continue
        with pytest.raises(SegkitError, match="ground truth of b is not what") as caught:
            _check_truth(mask, record, configuration, reader)
        assert caught.value.where == f"dataset.root={tmp_path}"


def test_a_checksum_is_of_shape_and_pixels() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    other = pixels.copy()
    other[3, 5] = 0
    seen = [pixels, pixels.reshape(6, 4), pixels.T, other, None]
    assert len({pixels_checksum(each) for each in seen}) == 5
    assert pixels_checksum(np.asfortranarray(pixels)) == pixels_checksum(pixels)
