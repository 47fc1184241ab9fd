"""``compile=true`` on a machine that cannot: said before training where it shows before."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._inductor import config as inductor
from torch._inductor.exc import CppCompileError, InductorError
from torch._inductor.utils import fresh_cache

from segkit.core.errors import SegkitError
from segkit.runs.checks import _check_compiler, check_training
from segkit.training.step_errors import compiled
from tests.conf.configurations import composed


def program(path: Path, script: str = "") -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder in which programs are looked for; no compiler is in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("CC", "CXX"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_without_a_compiler(bare: Path, tmp_path: Path) -> None:
    del bare
    with pytest.raises(SegkitError, match=r"needs a C\+\+ compiler") as caught:
        check_training(composed(tmp_path, tmp_path, "compile=true"))
    assert caught.value.where == "compile=true"
    assert "compile=false" in caught.value.remedy
    check_training(composed(tmp_path, tmp_path))


def test_the_compiler_that_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "mine")
    monkeypatch.setenv("CXX", "mine -O1")
    _check_compiler("cpu")
    monkeypatch.setenv("CXX", "other")
    with pytest.raises(SegkitError, match="there is none: other"):
        _check_compiler("cpu")


def test_on_a_gpu_a_c_compiler_is_enough(bare: Path) -> None:
    program(bare / "gcc")
    _check_compiler("gpu")
    with pytest.raises(SegkitError, match="there is none"):
        _check_compiler("cpu")


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (CppCompileError(["g++"], "a.cpp: in f\na.cpp:3: fatal error: Python.h"), "fatal error"),
        (RuntimeError("cannot be traced\nmore"), "compiled: cannot be traced$"),
        (RuntimeError(), "compiled: RuntimeError$"),
    ],
)
def test_what_comes_to_light_in_the_first_step(cause: Exception, said: str) -> None:
    with pytest.raises(SegkitError) as caught, compiled(nn.Identity(), wanted=True):
        raise InductorError(cause, None)
    assert re.search(said, caught.value.what)
    assert "\n" not in caught.value.what
    assert "compile=false" in caught.value.remedy


@pytest.mark.slow
def test_a_compiler_that_does_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = program(tmp_path / "g++", "echo no more >&2; exit 1")
    monkeypatch.setattr(inductor.cpp, "cxx", (None, str(broken)))
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softplus())
    said = pytest.raises(SegkitError, match="cannot be compiled")
    with fresh_cache(), said, compiled(network, wanted=True):
        network(torch.ones(1, 1, 7, 7))
