"""Help and mistakes are answered before anything slow is imported, by every command."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from segkit.__main__ import COMMANDS

# Of these each takes longer to import than all that an answer needs.
SLOW = (
    *("PIL", "albumentations", "cv2", "imagecodecs", "lightning", "matplotlib", "numpy", "onnx"),
    *("optuna", "pandas", "scipy", "segmentation_models_pytorch", "sklearn", "tensorboard"),
    *("tifffile", "timm", "torch", "torchvision"),
)
WATCHED = """
import importlib, sys
slow = {*sys.argv.pop(1).split()}
command = importlib.import_module("segkit." + sys.argv.pop(1))
try:
    command.main()
finally:
    print("slow:", sorted(slow & sys.modules.keys()))
"""


@pytest.fixture
def answer(run_environment: dict[str, str], tmp_path: Path) -> Any:
    def ask(command: str, *given: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, " ".join(SLOW), command, *given],
            capture_output=True,
            text=True,
            check=False,
            env=run_environment,
            cwd=tmp_path,
        )
        assert done.stdout.rstrip().endswith("slow: []"), done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return ask


@pytest.mark.parametrize("command", COMMANDS)
def test_help(answer: Any, command: str, tmp_path: Path) -> None:
    done = answer(command, "--help")
    assert done.returncode == 0
    assert f"python -m segkit.{command} " in done.stdout
    assert "Examples" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_key(answer: Any, command: str, tmp_path: Path) -> None:
    done = answer(command, "allow_target=[x]")
    assert done.returncode == 2
    assert "did you mean 'allow_targets'?" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        ("train", "mode=min", "mode=max"),
        ("train", "dataset=folder", "dataset.root=VALUE"),
        ("train", "model=unet_mnv3", "'unet_mnv2'"),
        ("check", "dataset=dsb", "'dsb2018'"),
        ("evaluate", "run=nowhere split=tset", "'test'"),
        ("evaluate", "run=nowhere", "nowhere/config.yaml"),
        ("export", "run=nowhere", "nowhere/config.yaml"),
        ("compare", "sweep=nowhere", "there is no such folder"),
        ("predict", "run=nowhere input=x", "output=VALUE"),
        ("benchmark", "parts=[trainin]", "'training'"),
    ],
)
def test_a_mistake(answer: Any, command: str, given: str, said: str) -> None:
    done = answer(command, *given.split())
    assert done.returncode == 2
    assert said in done.stderr
