"""``python -m segkit.export`` as a user runs it."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from segkit import export


def test_without_a_run(tmp_path: Path, run: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "segkit.export", f"run={tmp_path}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=run.environment(),
    )
    assert done.returncode == 2
    assert "not a run folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_is_exported_and_serves_without_segkit(run: Any, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "segkit.export", f"run={run.folder}", f"output={tmp_path}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=run.environment(),
    )
    assert done.returncode == 0, done.stderr
    assert "0 of" in done.stdout
    facts = json.loads((tmp_path / "model.json").read_text("utf-8"))
    model = (tmp_path / "model.onnx").read_bytes()
    assert facts["sha256"] == hashlib.sha256(model).hexdigest()
    assert facts["classes"] == ["background", "nucleus"]
    assert facts["parity"]["difference"] < 1e-4
    assert facts["parity"]["images"] == 8
    assert facts["provenance"]["split_hash"] == run.summary["split_hash"]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": np.zeros((1, 50, 70, 3), np.uint8)})
    assert found.shape == (1, 1, 50, 70)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.onnx"]


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command in this process: its exit code, and what it said."""

    def call(*given: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["segkit.export", *given])
        code = 0
        try:
            export.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, capsys.readouterr().err

    return call


@pytest.mark.slow
def test_a_bound_that_is_not_met_leaves_nothing(run: Any, tmp_path: Path, exported: Any) -> None:
    code, message = exported(f"run={run.folder}", f"output={tmp_path}", "bound=1e-30")
    assert code == 2
    assert "differs from torch" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "the checkpoint cannot be read"),
        (lambda path: torch.save({"state_dict": print}, path), "the checkpoint cannot be read"),
        (lambda path: torch.save({"state_dict": {}}, path), "the weights do not fit"),
        (lambda path: path.unlink(), "no best checkpoint"),
    ],
)
def test_a_checkpoint_that_is_none(
    run: Any, tmp_path: Path, exported: Any, damage: Any, said: str
) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "run"))
    damage(copy / "checkpoints" / "best.ckpt")
    code, message = exported(f"run={copy}")
    assert code == 2
    assert said in message
    assert not (copy / "model.onnx").exists()


def test_a_foreign_target_is_not_called(run: Any, tmp_path: Path, exported: Any) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "run"))
    text = (copy / "config.yaml").read_text("utf-8")
    hostile = text.replace(run.config["model"]["_target_"], "os.system")
    assert hostile != text
    (copy / "config.yaml").write_text(hostile, "utf-8")
    code, message = exported(f"run={copy}")
    assert code == 2
    assert "this target is not allowed" in message
