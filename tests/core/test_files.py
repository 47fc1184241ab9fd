"""Files that appear whole or not at all, whatever happens to the writer."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from segkit.core.errors import SegkitError
from segkit.core.files import atomic_path, remove_unfinished, write_text


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_with_its_folder_and_its_suffix(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "picture.png"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".png"
        assert not target.exists()
        temporary.write_bytes(b"pixels")
    assert target.read_bytes() == b"pixels"
    assert listing(target.parent) == ["picture.png"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    write_text(target, "old")
    for failure in (ValueError("no"), KeyboardInterrupt()):
        with pytest.raises(type(failure)):
            break_off(target, failure)
    assert target.read_text() == "old"
    assert listing(tmp_path) == ["x.csv"]


def break_off(target: Path, failure: BaseException) -> None:
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        raise failure


def test_a_writer_may_take_its_temporary_file_away(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x") as temporary:
        temporary.unlink()
    assert listing(tmp_path) == []


def test_text_is_utf8_and_replaced(tmp_path: Path) -> None:
    write_text(tmp_path / "x.txt", "256×256 …\n")
    assert (tmp_path / "x.txt").read_bytes() == "256×256 …\n".encode()
    write_text(str(tmp_path / "x.txt"), "")
    assert (tmp_path / "x.txt").read_bytes() == b""


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "x", "")
        assert os.umask(umask) == umask, "it was changed"
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == mode


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for target in (tmp_path / "file" / "x.csv", tmp_path / "file" / "below" / "x.csv"):
        with pytest.raises(SegkitError, match="cannot write here") as caught:
            write_text(target, "text")
        assert caught.value.where == str(target)
    assert listing(tmp_path) == ["file"]


def test_readers_see_the_old_text_or_the_new_and_never_half(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    texts = ["a" * 200_000, "b" * 100_000]
    write_text(target, texts[0])
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            write_text(target, texts[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(target.read_text())
    writer.join()
    assert seen == set(texts)


KILLED = """
import sys
from segkit.core.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    write_text(target, "old")
    command = [sys.executable, "-c", KILLED, str(target)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        writer.kill()
        assert writer.wait() == -signal.SIGKILL
    assert target.read_text() == "old"
    write_text(target, "new")
    assert target.read_text() == "new"


def half_written(folder: Path, name: str) -> "subprocess.Popen[str]":
    """A process that is in the middle of writing a file."""
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder / name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


@pytest.mark.parametrize("sweep", [lambda f: write_text(f / "y", ""), remove_unfinished])
def test_what_a_killed_writer_left_is_swept_and_a_living_ones_is_kept(
    tmp_path: Path, sweep: Callable[[Path], None]
) -> None:
    names = ("x.csv", "tiled.png", "no_suffix", "ä" * 120 + ".png", ".hidden.csv")
    with ExitStack() as stack:
        for writer in [stack.enter_context(half_written(tmp_path, name)) for name in names]:
            writer.kill()  # each has seen that the others live
    left = listing(tmp_path)
    assert len(left) == len(names)
    others = [".a.settings.json", ".b.segkit-12345678.part.png", ".segkit-x", "a.segkit-12345678"]
    for name in others:
        (tmp_path / name).write_text("the user's own")
    (tmp_path / ".folder.segkit-12345678").mkdir()
    with half_written(tmp_path, "z.csv") as writer:
        sweep(tmp_path)
        kept = set(listing(tmp_path)) - {*left, *others, ".folder.segkit-12345678", "y"}
        assert len(kept) == 1
        assert kept.pop().startswith(".z.segkit-")
        assert not set(left) & set(listing(tmp_path))
        assert set(others) <= set(listing(tmp_path))
        writer.communicate()
        assert writer.returncode == 0
    assert (tmp_path / "z.csv").read_text() == "half"


def test_a_writer_whose_file_is_swept_before_it_is_locked_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, calls = fcntl.flock, 0

    def late(handle: Any, how: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            remove_unfinished(tmp_path)
            assert listing(tmp_path) == []
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write_text(tmp_path / "x", "all of it")
    assert listing(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "all of it"


def test_a_name_too_long_is_told_before_the_work(tmp_path: Path) -> None:
    for name in ("x" * 256, "ä" * 126 + ".png"):
        with pytest.raises(SegkitError, match="too long") as caught:
            break_off(tmp_path / name, AssertionError("it was begun"))
        assert "shorten" in caught.value.remedy
    assert listing(tmp_path) == []
    write_text(tmp_path / ("ä" * 125 + ".png"), "")  # 254 bytes


def test_what_is_written_within_another_appears_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_path(path) as temporary:
        write_text(temporary, "part")
        assert [one for one in tmp_path.iterdir() if one == temporary] == [temporary]
        assert not path.exists()
        # Still locked by whoever writes it: a sweep keeps it.
        remove_unfinished(tmp_path)
        assert temporary.read_text("utf-8") == "part"
    assert path.read_text("utf-8") == "part"
    assert list(tmp_path.iterdir()) == [path]
