"""``loss.weight=auto`` as a user types it: found, said, written, and kept on resume."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit import train
from tests.commands.in_process import call_main


@pytest.mark.slow
def test_the_run_has_the_weights(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [*run.arguments("trainer.max_epochs=1"), "hydra.run.dir=run", "resume=true"]
    given += ["loss=bce", "loss.weight=auto"]
    assert call_main(monkeypatch, *given, module=train) == 0
    weights = yaml.safe_load(Path("run/config.yaml").read_text("utf-8"))["loss"]["weight"]
    assert weights[0] < 1 < weights[1], "foreground is rarer"
    told = capsys.readouterr().out
    assert f"background {weights[0]:g}, nucleus {weights[1]:g}" in told
    assert call_main(monkeypatch, *given, "trainer.max_epochs=2", module=train) == 0
    kept = yaml.safe_load(Path("run/config.yaml").read_text("utf-8"))["loss"]["weight"]
    assert kept == weights
    assert call_main(monkeypatch, *given, "loss=dice", module=train) == 2
    assert "loss.weight" in capsys.readouterr().err
