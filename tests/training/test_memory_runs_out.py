"""A GPU whose memory a step exhausts: which settings take less."""

import pytest
import torch

from segkit.core.errors import SegkitError
from segkit.training.step_errors import memory_told


def test_the_settings_are_named() -> None:
    with pytest.raises(SegkitError, match="memory ran out") as told, memory_told():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    assert "dataset.batch_size" in told.value.remedy


def test_other_errors_are_left_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"), memory_told():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
