"""Caches on disks that several hosts share: without locks, read-only, with clocks apart."""

import errno
import fcntl
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from segkit.core import locks
from segkit.data.cache_build import build_cache
from segkit.data.readers.phantom import write_phantoms
from tests.data.caching import InMemory, build, samples

HOUR = 3600


@pytest.fixture
def reader(tmp_path: Path) -> InMemory:
    (tmp_path / "root").mkdir()
    return InMemory(tmp_path / "root", samples())


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(locks, "_told", set())


@pytest.mark.usefixtures("no_locks")
def test_without_locks_it_is_built_and_read(reader: InMemory, cache_dir: Path) -> None:
    first = build(reader, cache_dir)
    np.testing.assert_array_equal(build(reader, cache_dir).image("r1"), first.image("r1"))
    assert reader.reads == 3
    assert not list(cache_dir.glob(".*"))


@pytest.mark.usefixtures("no_locks")
def test_without_locks_who_is_second_takes_what_the_first_has_built(
    reader: InMemory, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, done = threading.Event(), threading.Event()

    def slowly(folder: Path, *given: object) -> None:
        if threading.current_thread() is threading.main_thread():
            begun.set()
            assert done.wait(60)
        build_cache(folder, *given)  # type: ignore[arg-type]

    monkeypatch.setattr("segkit.data.cache.build_cache", slowly)
    found = []

    def other() -> None:
        assert begun.wait(60)
        found.append(build(reader, cache_dir))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    mine = build(reader, cache_dir)
    thread.join()
    assert reader.reads == 6, "both decoded"
    assert mine.pixels == found[0].pixels
    np.testing.assert_array_equal(mine.image("r2"), found[0].image("r2"))
    assert not list(cache_dir.glob(".*"))


@pytest.mark.usefixtures("no_locks")
def test_without_locks_phantoms_are_drawn(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "set", count=2, image_size=32, seed=0)
    assert len(list((tmp_path / "set").iterdir())) == 3


def moved(path: Path, seconds: int) -> None:
    """As a host writes it whose clock is so far from ours."""
    for each in (path, *path.rglob("*")):
        found = each.stat()
        os.utime(each, ns=(found.st_atime_ns, found.st_mtime_ns + seconds * 10**9))


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
def test_clocks_an_hour_apart_decide_nothing(
    reader: InMemory, cache_dir: Path, seconds: int
) -> None:
    moved(reader.root, seconds)
    before = build(reader, cache_dir)
    moved(cache_dir, -seconds)
    assert build(reader, cache_dir).pixels == before.pixels
    assert reader.reads == 3
    (reader.root / "r0").write_bytes(b"other")
    moved(reader.root, seconds)  # it may look older than the cache, or younger
    build(reader, cache_dir)
    assert reader.reads == 6
