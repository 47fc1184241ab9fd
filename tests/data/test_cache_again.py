"""A cache is built once, and again where the files or the cache itself changed."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segkit.core.contracts import Record, Sample
from segkit.core.errors import SegkitError
from segkit.data.cache import Cache
from segkit.imaging.pixels import resize_image
from tests.data.caching import InMemory, build, samples


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_it_is_read_not_built_the_second_time(root: Path, cache_dir: Path) -> None:
    reader = InMemory(root, samples())
    first = build(reader, cache_dir)
    assert reader.reads == 3
    second = build(reader, cache_dir)
    assert reader.reads == 3
    np.testing.assert_array_equal(second.image("r1"), first.image("r1"))
    assert {path.suffix for path in cache_dir.iterdir()} == {"", ".lock"}


def grow(root: Path) -> None:
    (root / "r0").write_bytes(b"xx")


def swap(root: Path) -> None:
    """Another file of equal size and time of writing takes its place."""
    time = (root / "r0").stat().st_mtime_ns
    (root / "new").write_bytes(b"y")
    os.utime(root / "new", ns=(time, time))
    (root / "new").replace(root / "r0")


@pytest.mark.parametrize("change", [grow, swap])
def test_a_file_that_changed_builds_it_again(
    root: Path, cache_dir: Path, change: Callable[[Path], None]
) -> None:
    reader = InMemory(root, samples())
    (root / "r0").write_bytes(b"x")
    before = build(reader, cache_dir).image("r0").copy()
    reader.samples["r0"] = samples(size=16)["r0"]
    np.testing.assert_array_equal(build(reader, cache_dir).image("r0"), before)
    change(root)
    assert not np.array_equal(build(reader, cache_dir).image("r0"), before)
    assert reader.reads == 6


def test_files_that_were_touched_are_read_once_and_decoded_no_more(
    root: Path, cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = InMemory(root, samples())
    folder = build(reader, cache_dir).folder
    os.utime(root / "r0", ns=(0, 1))
    shutil.copy2(root / "r1", root / "copy")
    (root / "copy").replace(root / "r1")
    capsys.readouterr()
    assert build(reader, cache_dir).folder == folder
    assert "touched or copied (2 files)" in capsys.readouterr().err
    assert build(reader, cache_dir).folder == folder
    assert capsys.readouterr().err == ""
    assert reader.reads == 3


class Overtaken(InMemory):
    """One whose files are written to just after it has read them."""

    def read(self, record: Record) -> Sample:
        sample = super().read(record)
        (self.root / record.image).write_bytes(b"newer")
        return sample


def test_a_file_that_is_written_to_while_it_is_decoded_is_decoded_again(
    root: Path, cache_dir: Path
) -> None:
    build(Overtaken(root, samples()), cache_dir)
    assert (root / "r0").read_bytes() == b"newer"
    reader = Overtaken(root, samples())
    build(reader, cache_dir)
    assert reader.reads == 3, "its checksum is of what was never decoded"


def test_a_record_that_can_be_read_again_is_taken_up(root: Path, cache_dir: Path) -> None:
    reader = InMemory(root, samples())
    away = reader.samples["r1"]
    # As when a disk is away: the file's name, size and time stay the same.
    reader.samples["r1"] = replace(away, image=away.image[:0])
    assert list(build(reader, cache_dir).entries) == ["r0", "r2"]
    assert list(build(reader, cache_dir).entries) == ["r0", "r2"]
    reader.samples["r1"] = away
    assert list(build(reader, cache_dir).entries) == ["r0", "r1", "r2"]
    reads = reader.reads
    assert list(build(reader, cache_dir).entries) == ["r0", "r1", "r2"]
    assert reader.reads == reads


def test_who_uses_a_cache_never_sees_the_images_of_another_build(
    root: Path, cache_dir: Path
) -> None:
    """Of one name and one key: a disk is back while a training reads what was there before."""
    reader = InMemory(root, samples())
    away = reader.samples["r0"]
    reader.samples["r0"] = replace(away, image=away.image[:0])
    used = build(reader, cache_dir)  # which has looked at no image yet
    parcel = pickle.dumps(used)  # for a worker that starts later
    expected = resize_image(reader.samples["r2"].image, (48, 40))
    reader.samples["r0"] = away
    assert build(reader, cache_dir).folder == used.folder
    np.testing.assert_array_equal(used.image("r2"), expected)
    late: Cache = pickle.loads(parcel)
    with pytest.raises(SegkitError, match="built anew, while they were in use") as caught:
        late.image("r2")
    assert str(used.folder) in caught.value.where
    (pixels,) = used.folder.glob("pixels-*.bin")
    assert pixels != used.pixels, "the old build was left behind"


@pytest.mark.parametrize(
    "damage", ["short", "long", "no pixels", "no index", "empty", "cut", "no files"]
)
def test_what_is_not_whole_is_built_again(root: Path, cache_dir: Path, damage: str) -> None:
    reader = InMemory(root, samples())
    cache = build(reader, cache_dir)
    expected = cache.image("r2").copy()
    pixels, index = cache.pixels, cache.folder / "index.json"
    if damage in ("short", "long"):
        os.truncate(pixels, pixels.stat().st_size + (1 if damage == "long" else -1))
    elif damage in ("empty", "cut"):
        os.truncate(index, 0 if damage == "empty" else 100)
    else:
        named = {"no pixels": pixels, "no index": index, "no files": index.with_name("files.json")}
        named[damage].unlink()
    again = build(reader, cache_dir)
    np.testing.assert_array_equal(again.image("r2"), expected)
    assert reader.reads == 6
    assert json.loads(index.read_text())["bytes"] == again.pixels.stat().st_size
