"""Where caches lie for users with a home folder, without one, and with one that is read-only."""

import getpass
import os
import pwd
import stat
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from segkit.core.errors import SegkitError
from segkit.core.home import at_home, settle
from segkit.runs import load_run

Env = pytest.MonkeyPatch
NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: Env, tmp_path: Path) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", *NAMES):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()


@pytest.fixture
def unknown(monkeypatch: Env) -> None:
    """A user without an entry in passwd, as `docker run --user 12345` makes one."""

    def getpwuid(number: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", getpwuid)


@pytest.fixture
def refuge(tmp_path: Path) -> Path:
    return tmp_path / "temporary" / f"segkit-{os.getuid()}"


def read_only(monkeypatch: Env) -> None:
    """Root may write everywhere, so that the mode of a folder shows nothing."""
    monkeypatch.setattr(os, "access", lambda *_: False)


def test_a_home_that_can_be_written_to_is_left_alone(
    monkeypatch: Env, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    before = dict(os.environ)
    settle()
    assert dict(os.environ) == before
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / ".cache").exists()


@pytest.mark.usefixtures("unknown")
def test_without_home_and_passwd_entry(refuge: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settle()
    assert os.environ["HOME"] == str(refuge)
    assert Path.home() == refuge
    assert os.environ["XDG_CACHE_HOME"] == str(refuge / ".cache")
    assert stat.S_IMODE(refuge.stat().st_mode) == 0o700
    said = capsys.readouterr().err
    assert f"there is no home folder: caches are kept in {refuge}/.cache" in said
    settle()  # as a child process does
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize("given", ["", "me"])
def test_a_user_without_a_name_is_given_one(monkeypatch: Env, given: str) -> None:
    """getpass.getuser, which torch.compile asks, ends in a KeyError otherwise."""
    monkeypatch.setenv("USER", given)
    settle()
    assert getpass.getuser() == (given or f"user{os.getuid()}")


@pytest.mark.usefixtures("unknown")
def test_a_run_is_loaded_in_a_session_without_a_home(tmp_path: Path) -> None:
    """As in a notebook; its configuration names ``~/.cache``."""
    with pytest.raises(SegkitError, match="not a run folder"):
        load_run(tmp_path)
    assert at_home("~/.cache/segkit", "dataset.root").is_relative_to(tempfile.gettempdir())


def test_a_home_that_is_not_there(monkeypatch: Env, refuge: Path) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    settle()
    assert os.environ["HOME"] == str(refuge)
    assert os.environ["XDG_CACHE_HOME"] == str(refuge / ".cache")


def test_a_home_that_is_read_only_goes_on_meaning_itself(
    monkeypatch: Env, tmp_path: Path, refuge: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    read_only(monkeypatch)
    settle()
    assert os.environ["HOME"] == str(tmp_path)  # ~/data is still found there
    assert os.environ["XDG_CACHE_HOME"] == str(refuge / ".cache")
    assert f"{tmp_path}/.cache cannot be written to" in capsys.readouterr().err


@pytest.mark.usefixtures("unknown")
def test_a_place_that_the_user_names_is_used(
    monkeypatch: Env, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    settle()
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "mine")
    assert f"caches are kept in {tmp_path}/mine" in capsys.readouterr().err


def test_matplotlib_writes_where_a_home_of_root_lets_it(monkeypatch: Env, tmp_path: Path) -> None:
    """Docker calls / the home of a number without a name."""
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).is_relative_to(tmp_path))
    settle()
    assert os.environ["HOME"] == "/"
    assert os.environ["MPLCONFIGDIR"] == str(tmp_path / "matplotlib")


@pytest.mark.parametrize("named", ["", "caches"])
def test_what_is_no_absolute_path_names_no_place(
    monkeypatch: Env, tmp_path: Path, named: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    settle()
    assert "XDG_CACHE_HOME" not in os.environ


@pytest.mark.usefixtures("unknown")
def test_the_folder_of_another_user_is_not_taken(tmp_path: Path, refuge: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    refuge.symlink_to(elsewhere)
    settle()
    chosen = Path(os.environ["HOME"])
    assert chosen.parent == refuge.parent
    assert chosen != refuge
    assert list(elsewhere.iterdir()) == []


def test_the_cache_is_named_without_a_machine(monkeypatch: Env, tmp_path: Path) -> None:
    """A saved configuration says ``~/.cache``; where that is, each machine and user knows."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert at_home("~/.cache/segkit", "key") == tmp_path / ".cache" / "segkit"
    monkeypatch.setenv("XDG_CACHE_HOME", "/scratch/me")
    assert at_home("~/.cache/segkit", "key") == Path("/scratch/me/segkit")
    assert at_home("~/.cached", "key") == tmp_path / ".cached"
