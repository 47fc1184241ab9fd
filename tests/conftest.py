"""What several layers' tests stand on: small data on disk, a place for caches, SIGINT heard."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from segkit.data.readers.phantom import write_phantoms

# model.encoder_weights=auto then starts from random weights at once; subprocesses inherit it.
os.environ["HF_HUB_OFFLINE"] = "1"
# Tests import albumentations before segkit does, which would ask the network for a newer release.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test that is ``sampled``, the first case is quick and all the others are slow."""
    seen: set[str] = set()
    for item in items:
        if item.get_closest_marker("sampled") and not item.get_closest_marker("slow"):
            test = item.nodeid.split("[", 1)[0]
            if test in seen:
                item.add_marker(pytest.mark.slow)
            seen.add(test)


@pytest.fixture(scope="session")
def phantom_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of 64×64 pixels in DSB2018's layout, of all three kinds. Do not write to it."""
    folder = tmp_path_factory.mktemp("phantom") / "12x64"
    write_phantoms(folder, count=12, image_size=64, seed=0)
    return folder


@pytest.fixture
def own_root(phantom_root: Path, tmp_path: Path) -> Path:
    """A copy of ``phantom_root`` that a test may damage."""
    return Path(shutil.copytree(phantom_root, tmp_path / "own"))


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    """A folder for caches that is not there yet."""
    return tmp_path / "cache"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that runs the tests in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
