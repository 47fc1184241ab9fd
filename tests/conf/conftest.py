"""What tests of configurations stand on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conf.configurations import Configured, composed, on_one_thread


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    yield from on_one_thread()


@pytest.fixture
def configured(phantom_root: Path, tmp_path: Path) -> Configured:
    """The composition of some overrides, resolved; small, and on phantoms where data are read."""
    return partial(composed, phantom_root, tmp_path)
