"""Every logger under ``conf/logger``: built, and what is said where it cannot be."""

import importlib.util
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.runs.build import build_trainer
from tests.conf.configurations import Configured, options

EXTRAS = ("wandb", "mlflow")


@pytest.mark.parametrize("name", options("logger"))
def test_every_logger_is_built(
    configured: Configured, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    if name in EXTRAS and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is an optional extra and not installed")
    offline = ["logger.wandb.offline=true"] if name == "wandb" else []
    trainer = build_trainer(configured(f"logger={name}", "trainer=cpu", *offline))
    assert len(trainer.loggers) == (name != "none")
    for logger in trainer.loggers:
        logger.log_metrics({"val/dice": 0.5}, step=0)
        logger.finalize("success")
        assert any((tmp_path / "run").iterdir())


@pytest.mark.parametrize("name", EXTRAS)
def test_a_logger_that_is_not_installed_says_how_to_get_it(
    configured: Configured, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec(name) is not None:
        pytest.skip(f"{name} is installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:1")
    with pytest.raises(SegkitError) as error:
        build_trainer(configured(f"logger={name}", "trainer=cpu"))
    assert f"segkit[{name}]" in error.value.remedy


def test_mlflow_wants_a_place(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for given in ([], ["logger.mlflow.tracking_uri=file:mlruns"]):
        with pytest.raises(SegkitError, match="MLflow") as error:
            build_trainer(configured("logger=mlflow", "trainer=cpu", *given))
        assert "MLFLOW_TRACKING_URI" in error.value.remedy
