"""What the tests of the task share: data of one cache, and one thread."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from tests.training.small_module import MakeData, phantom_data


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_data(phantom_root: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeData:
    """Of one cache, whichever file's tests ask for them."""
    return partial(phantom_data, phantom_root, tmp_path_factory.getbasetemp() / "task_caches")
