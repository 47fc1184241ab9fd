"""Commands that are printed work where they are pasted."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from segkit.core.shell import activation, command, program, relative


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment below the current folder that was not activated."""
    bin_ = tmp_path / "my env" / "bin"
    bin_.mkdir(parents=True)
    for name in ("python", "tensorboard"):
        (bin_ / name).write_text('#!/bin/sh\necho "$@"\n', "utf-8")
        (bin_ / name).chmod(0o755)
    (bin_ / "activate").write_text("", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(bin_ / "python"))
    monkeypatch.setattr(sys, "prefix", str(bin_.parent))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return bin_


@pytest.mark.usefixtures("environment")
def test_an_environment_that_was_not_activated_is_named() -> None:
    assert program() == "my env/bin/python"
    assert program("tensorboard") == "my env/bin/tensorboard"
    assert activation() == ". 'my env/bin/activate'"
    line = command("train", "dataset.root=it's", "model.encoder_weights=a b")
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "-m segkit.train dataset.root=it's model.encoder_weights=a b\n"


@pytest.mark.usefixtures("environment")
def test_another_environment_than_that_of_the_shell_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "python").write_text("#!/bin/sh\n", "utf-8")
    (other / "python").chmod(0o755)
    monkeypatch.setenv("PATH", str(other))
    assert program() == "my env/bin/python"


def test_an_environment_that_was_activated_is_left_out(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{environment}:/usr/bin:/bin")
    assert program() == "python"
    assert program("tensorboard") == "tensorboard"
    assert activation() == ""
    assert command("check") == "python -m segkit.check"


def test_an_installation_that_has_python3_alone(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (environment / "python").rename(environment / "python3")
    monkeypatch.setattr(sys, "executable", str(environment / "python3"))
    monkeypatch.setenv("PATH", str(environment))
    assert program() == "python3"


def test_a_link_to_the_folder_of_programs_is_the_folder(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(environment)
    monkeypatch.setenv("PATH", f"{link}{os.pathsep}/bin")
    assert program() == "python"


def test_paths_are_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert relative(tmp_path / "a" / "b c") == "a/b c"
    assert relative("/elsewhere/x") == "/elsewhere/x"
    assert shlex.split(command("evaluate", "run=a/b c"))[-1] == "run=a/b c"
