"""Folders and archives as trees of files."""

import os
import pickle
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.data.archives import open_source
from segkit.data.source import FolderSource, Source
from tests.data.trees import FILES, archive, folder

LITTER = (
    *("__MACOSX/b/._2.png", ".DS_Store", "b/.hidden/x.png", "Thumbs.db", "b/desktop.ini"),
    *("@eaDir/a.png", "$RECYCLE.BIN/a.png", "b/THUMBS.DB", "System Volume Information/x"),
)
Holder = Callable[..., Path]
holders = pytest.mark.parametrize("holder", [folder, archive], ids=["folder", "zip"])


@holders
def test_names_are_sorted_and_litter_is_left_out(tmp_path: Path, holder: Holder) -> None:
    source = open_source(holder(tmp_path, LITTER))
    assert source.names() == sorted(FILES)
    assert {name: source.read(name) for name in source.names()} == FILES


@holders
def test_a_stream_can_be_sought(tmp_path: Path, holder: Holder) -> None:
    with open_source(holder(tmp_path)).open("b/2.png") as stream:
        stream.seek(148)
        assert stream.read() == b"wo"
        stream.seek(0)
        assert stream.read(4) == b"twot"


@holders
def test_where_names_the_file_for_people(tmp_path: Path, holder: Holder) -> None:
    root = holder(tmp_path)
    source = open_source(str(root))
    assert source.where("b/2.png") == f"{root}/b/2.png"
    assert source.where("") == str(root)


def test_a_home_folder_may_be_abbreviated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_source("~/tree").names() == sorted(FILES)


def test_linked_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    root = folder(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "z.png").write_bytes(b"z")
    (root / "linked").symlink_to(elsewhere)
    (root / "b" / "up").symlink_to(root)
    assert FolderSource(root).names() == sorted([*FILES, "linked/z.png"])


def test_a_stamp_changes_whenever_a_file_does(tmp_path: Path) -> None:
    root = folder(tmp_path)
    file, source = root / "a.png", open_source(root)
    other = tmp_path / "other"
    other.write_bytes(b"much")
    kept = file.stat().st_mtime_ns

    def keep_time() -> None:
        os.utime(file, ns=(kept, kept))

    seen = [source.stamp("a.png")]
    assert open_source(root).stamp("a.png") == seen[0]
    for change in (
        lambda: file.write_bytes(b"more"),
        lambda: os.utime(file, ns=(0, 1)),
        keep_time,
        lambda: file.write_bytes(b"MORE"),
        keep_time,
        lambda: Path(shutil.copy(other, root / "new")).replace(file),
        keep_time,
        file.unlink,
    ):
        time.sleep(0.02)  # the clock of a file system ticks every few milliseconds
        change()
        seen.append(source.stamp("a.png"))
    assert len(set(seen)) == len(seen)


def test_folders_that_were_swapped_have_other_stamps(tmp_path: Path) -> None:
    """Of the same sizes and times, of writing and of change, for all that anyone knows."""
    for name in ("root", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(name[:2].encode())
        os.utime(tmp_path / name / "a.png", ns=(1, 1))
    source = open_source(tmp_path / "root")
    before = source.stamp("a.png")
    (tmp_path / "root").rename(tmp_path / "old")
    (tmp_path / "new").rename(tmp_path / "root")
    assert source.stamp("a.png").split()[3] != before.split()[3]


@holders
def test_a_checksum_is_of_the_content_alone(tmp_path: Path, holder: Holder) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for place in (here, there):
        place.mkdir()
    source, copy = open_source(holder(here)), open_source(holder(there))
    seen = [source.checksum(name) for name in sorted(FILES)]
    assert seen == [copy.checksum(name) for name in sorted(FILES)]
    assert len(set(seen)) == len(FILES)


def test_the_checksum_of_other_bytes_is_another_one(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "a.png").write_bytes(bytes(100_000))
    before = open_source(root).checksum("a.png")
    (root / "a.png").write_bytes(bytes(50_000) + b"1" + bytes(49_999))
    assert open_source(root).checksum("a.png") != before


def test_an_archive_is_known_by_its_members(tmp_path: Path) -> None:
    source = open_source(archive(tmp_path))
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(zipfile.ZipInfo("a.png", (2020, 1, 1, 0, 0, 0)), FILES["a.png"][::-1])
    other = open_source(path)
    assert other.size("a.png") == source.size("a.png")
    assert other.stamp("a.png") != source.stamp("a.png")
    assert other.checksum("a.png") != source.checksum("a.png")


@holders
def test_threads_may_share_a_source(tmp_path: Path, holder: Holder) -> None:
    source = open_source(holder(tmp_path))
    names = [*FILES] * 100
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(source.read, names)) == [FILES[name] for name in names]


@holders
def test_it_travels_by_pickle_while_open(tmp_path: Path, holder: Holder) -> None:
    source = open_source(holder(tmp_path))
    source.read("a.png")
    again: Source = pickle.loads(pickle.dumps(source))
    assert again.names() == source.names()
    assert again.read("b/2.png") == FILES["b/2.png"]


# In a program of its own: a fork of pytest would carry its threads' locks along.
FORKED = """
import os, sys
from pathlib import Path
from segkit.data.zip_source import ZipSource
source = ZipSource(Path(sys.argv[1]))
names = source.names()
expected = {name: source.read(name) for name in names}  # the child inherits this handle
child = os.fork()
same = all(source.read(name) == expected[name] for _ in range(20) for name in names)
failed = os.waitpid(child, 0)[1] if child else 0
os._exit(0 if same and not failed else 1)
"""


def test_processes_do_not_move_each_others_place(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with zipfile.ZipFile(path, "w") as out:
        for number in range(8):
            out.writestr(f"{number}.bin", os.urandom(200_000))
    subprocess.run([sys.executable, "-c", FORKED, path], check=True)


def test_a_missing_root_names_its_neighbours(tmp_path: Path) -> None:
    archive(tmp_path)
    with pytest.raises(SegkitError, match="is not there") as caught:
        open_source(tmp_path / "tre.zip")
    assert caught.value.where == f"dataset.root={tmp_path / 'tre.zip'}"
    assert "did you mean 'tree.zip'?" in caught.value.remedy
    with pytest.raises(SegkitError, match="is not there"):
        open_source(tmp_path / "no" / "such")


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "gone.png").symlink_to(tmp_path / "nowhere.png")
    source = open_source(root)
    assert "gone.png" in source.names()
    before = source.stamp("gone.png"), source.checksum("gone.png")
    with pytest.raises(SegkitError, match="No such file") as caught:
        source.read("gone.png")
    assert caught.value.where == f"{root}/gone.png"
    (tmp_path / "nowhere.png").write_bytes(b"now it is")
    assert source.stamp("gone.png") != before[0]
    assert source.checksum("gone.png") != before[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_is_named_and_read_once_it_may(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "a.png").chmod(0)
    source = open_source(root)
    before = source.stamp("a.png")
    with pytest.raises(SegkitError, match="Permission denied"):
        source.read("a.png")
    (root / "a.png").chmod(0o600)
    assert source.stamp("a.png") != before, "a cache would keep the error"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    root = folder(tmp_path)
    os.mkfifo(root / "pipe.png")
    (root / "device.png").symlink_to("/dev/zero")
    (root / "itself.png").symlink_to("itself.png")
    source = open_source(root)
    for name in ("pipe.png", "device.png", "itself.png"):
        assert name in source.names()
        with pytest.raises(SegkitError, match="cannot be read") as caught:
            source.read(name)
        assert caught.value.where == f"{root}/{name}"


def test_links_to_what_holds_the_root_are_not_followed(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (tmp_path / "neighbour.png").write_bytes(b"x")
    (root / "up").symlink_to(tmp_path)
    (root / "all").symlink_to("/")
    assert FolderSource(root).names() == sorted(FILES)


def test_nobody_has_this_home() -> None:
    with pytest.raises(SegkitError, match="home folder") as caught:
        open_source("~nobody-of-this-name/data")
    assert caught.value.where == "dataset.root=~nobody-of-this-name/data"
    with pytest.raises(SegkitError, match="is not there"):
        open_source("/" + "x" * 5000)
