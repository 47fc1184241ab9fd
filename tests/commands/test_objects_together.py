"""Folds whose decoders were fitted apart predict together."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from segkit import predict
from segkit.core.tables import read_table
from segkit.runs import load_run
from tests.commands.bright import PREFIX, given
from tests.commands.in_process import call_main
from tests.commands.objects import summary

KEYS = ("threshold", "seed_threshold", "min_area", "halo")


def fitted(run: Path, copy: Path, *values: float) -> Path:
    """A copy of a run as if its decoder had been fitted."""
    shutil.copytree(run, copy)
    config = yaml.safe_load((copy / "config.yaml").read_text("utf-8"))
    config |= dict.fromkeys(KEYS, "auto")
    (copy / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    facts = {**summary(copy), "decoder": dict(zip(KEYS, values, strict=True))}
    (copy / "summary.json").write_text(json.dumps(facts), "utf-8")
    return copy


@pytest.mark.slow
def test_folds_predict_together_and_say_with_what(
    object_runs: list[Path],
    disc_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = [
        fitted(object_runs[0], tmp_path / "fold0", 0.4, 0.25, 20, 40),
        fitted(object_runs[1], tmp_path / "fold1", 0.6, 0.25, 40, 61),
    ]
    capsys.readouterr()
    both = f"[{runs[0]},{runs[1]}]"
    assert call_main(monkeypatch, *given(both, disc_inputs, tmp_path / "a"), module=predict) == 0
    assert "taken together: threshold=0.5, min_area=20, halo=61" in capsys.readouterr().err
    predictor = load_run(runs, device="cpu", precision="32-true", allow_targets=[PREFIX])
    merged = dict(zip(KEYS, (0.5, 0.25, 20, 61), strict=True))
    assert predictor.task.settings == merged
    typed = [f"{key}={value}" for key, value in merged.items()]
    said = given(both, disc_inputs, tmp_path / "b", *typed)
    assert call_main(monkeypatch, *said, module=predict) == 0
    assert "taken together" not in capsys.readouterr().err
    found = [read_table(tmp_path / name / "objects.csv") for name in ("a", "b")]
    assert found[0] == found[1]
    assert len(found[0]) > 5
