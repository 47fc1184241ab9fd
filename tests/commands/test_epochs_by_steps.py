"""``trainer.max_epochs=auto``: the number is written into the run, and kept on resume."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit import train
from segkit.training import length
from tests.commands.in_process import call_main


@pytest.mark.slow
def test_the_run_has_the_number_and_resumes_with_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(length, "LEAST", 1)
    given = [each for each in run.arguments() if not each.startswith("trainer.max_epochs=")]
    given += ["trainer.max_epochs=auto", "steps=4", "schedule=cosine"]
    given += ["hydra.run.dir=run", "resume=true"]
    assert call_main(monkeypatch, *given, module=train) == 0
    capsys.readouterr()
    config = yaml.safe_load(Path("run/config.yaml").read_text("utf-8"))
    summary = json.loads(Path("run/summary.json").read_text("utf-8"))
    assert config["trainer"]["max_epochs"] == summary["epochs"] == 2
    assert summary["chosen"]["epochs"] == "2: about 4 steps of 4 of the 8 images"
    assert call_main(monkeypatch, *given, module=train) == 0
    assert "done before" in capsys.readouterr().out
