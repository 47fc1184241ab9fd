"""One process at a time, and what is lost on disks without locks."""

import errno
import fcntl
import logging
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from segkit.core import locks
from segkit.core.locks import folder_begun, waited_for


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP], ids=errno.errorcode.get)
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(locks, "_told", set())


def test_others_are_kept_out(tmp_path: Path) -> None:
    with waited_for(tmp_path / "lock") as alone:
        assert alone
        with (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with waited_for(tmp_path / "lock") as again:
        assert again


@pytest.mark.usefixtures("no_locks")
def test_a_disk_without_locks_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        with waited_for(tmp_path / "lock") as alone:
            assert not alone
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{tmp_path}: the disk knows no locks; processes that")


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_disk_that_may_only_be_read_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def refused(path: str, *_: object, **__: object) -> int:
        raise OSError(error, os.strerror(error), path)

    hidden = error != errno.ENOSPC
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refused)
        expected = nullcontext() if hidden else pytest.raises(OSError, match="No space left")
        with expected, waited_for(tmp_path / "lock") as alone:
            assert not alone


def test_what_others_have_begun_is_removed_by_who_keeps_them_out(tmp_path: Path) -> None:
    target = tmp_path / "set-[1]"
    left = tmp_path / ".set-[1].building"  # as earlier versions called it
    left.mkdir()
    with folder_begun(target, alone=False) as begun, folder_begun(target, alone=False) as other:
        assert begun != other
        begun.rename(target)
    assert {path.name for path in tmp_path.iterdir()} == {left.name, target.name}
    with folder_begun(target, alone=True) as begun:
        assert set(tmp_path.iterdir()) == {target, begun}


def test_what_is_begun_of_another_whose_name_begins_alike_is_left(tmp_path: Path) -> None:
    """Phantoms of seed 1 and of seed 10, prepared at the same time."""
    with (
        folder_begun(tmp_path / "48x64-seed10", alone=True) as other,
        folder_begun(tmp_path / "48x64-seed1", alone=True),
    ):
        assert other.is_dir()
