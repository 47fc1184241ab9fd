"""What several layers' tests stand on: a small data set on disk, and a place for caches."""

import shutil
from pathlib import Path

import pytest

from segkit.data.phantom import write_phantoms


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
