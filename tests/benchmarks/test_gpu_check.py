"""``make gpu-check``: what is found, what fails and what is left out; and the checks on a CPU."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from segkit.benchmarks import gpu_check
from segkit.benchmarks.gpu_check import check_all, main
from segkit.benchmarks.gpu_checks import CHECKS, CheckError, Machine, resumes

GPU = torch.cuda.is_available()


def fails(_: Machine) -> str:
    raise CheckError("the masks differ")


def checks_of(*found: tuple[str, Any, bool]) -> Any:
    return found


def test_each_is_told_and_a_failure_is_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = ("trains", lambda _: "12 images/s", False)
    gpu_alone = ("compiles", lambda _: "13 images/s", True)
    monkeypatch.setattr(gpu_check, "CHECKS", checks_of(good, gpu_alone))
    assert main([str(tmp_path)]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    states = [(one["name"], one["state"], one["said"]) for one in found["checks"]]
    alone = ("passed", "13 images/s") if GPU else ("left out", "needs a GPU")
    assert states == [("trains", "passed", "12 images/s"), ("compiles", *alone)]
    assert found["versions"]["torch"]
    monkeypatch.setattr(gpu_check, "CHECKS", checks_of(("predicts", fails, False), good))
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "the masks differ" in said
    assert GPU or "no GPU" in said


def test_no_check_begins_after_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check, "CHECKS", checks_of(("predicts", fails, False)))
    (late,) = check_all(tmp_path, limit=-1)
    assert (late.state, late.said) == ("left out", "-1 seconds were over")


def test_a_command_that_ends_otherwise_fails(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match=r"train ended with 2: .*modell"):
        Machine(tmp_path, gpu=False).run("train", "modell=unet")


@pytest.mark.slow
def test_a_killed_training_is_compared_with_a_whole_one(tmp_path: Path) -> None:
    given = ("trainer.accelerator=cpu", "trainer.deterministic=true")
    assert resumes(*given, exactly=True)(Machine(tmp_path, gpu=False)) == "the same losses"


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({name for name, _, _ in CHECKS}) == len(CHECKS)
