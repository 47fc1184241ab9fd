"""The cache that memory is measured on, which is written without a data set."""

from pathlib import Path

from segkit.benchmarks.memory import _write_cache
from segkit.data.cache import Cache


def test_its_images_are_read_as_those_of_any_cache(tmp_path: Path) -> None:
    _write_cache(tmp_path, 3, (8, 6), 3)
    cache = Cache(tmp_path)
    assert [cache.image(name).shape for name in cache.entries] == [(8, 6, 3)] * 3
    assert cache.size == cache.pixels.stat().st_size
