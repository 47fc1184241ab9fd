"""The server that a resumed run is told to is never the one that its folder names."""

from typing import Any

import pytest
import yaml

from tests.training.trackers.servers import MLflow, install_mlflow

OURS, THEIRS = "http://ours:5000", "http://theirs:5000"


@pytest.fixture
def server(stranger: Any, monkeypatch: pytest.MonkeyPatch) -> MLflow:
    stranger.change(
        "logger",
        {
            "mlflow": {
                "_target_": "segkit.training.trackers.mlflow.RunMLflow",
                "save_dir": str(stranger.folder),
                "tracking_uri": THEIRS,
            }
        },
    )
    (stranger.folder / "trackers.json").write_text(f'{{"mlflow {THEIRS}": "run0"}}', "utf-8")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return install_mlflow(monkeypatch)


@pytest.mark.parametrize("by", ["environment", "call"])
def test_this_call_says_where(
    stranger: Any, server: MLflow, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    given = ["logger=mlflow", f"logger.mlflow.tracking_uri={OURS}"]
    if by == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", OURS)
        given = []
    code, said = stranger.use("train", *given)
    assert code == 0, said
    assert [*server.runs] == [OURS]
    config = (stranger.folder / "config.yaml").read_text("utf-8")
    assert yaml.safe_load(config)["logger"]["mlflow"].get("tracking_uri") != THEIRS


def test_nobody_says_where(stranger: Any, server: MLflow) -> None:
    said = stranger.refuses("train")
    assert "MLflow needs its server anew" in said
    assert f"until now {THEIRS}" in said
    assert not server.runs
