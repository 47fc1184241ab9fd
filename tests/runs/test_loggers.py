"""What loggers are told of a configuration."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from segkit import train
from segkit.core.errors import SegkitError
from segkit.core.run_folder import RunFolder
from segkit.runs import resume_point
from segkit.runs.build import build_trainer
from segkit.runs.loggers import flat_parameters, log_configuration
from segkit.training.trackers.mlflow import RunMLflow
from tests.conf.configurations import composed
from tests.training.trackers.servers import MLflow, install_mlflow, install_wandb

CONFIG: dict[str, Any] = {
    "choices": {"model": "unet_mnv2"},
    "model": {"encoder": "resnet18"},
    "seed": 3,
    "loss": {"weight": 0.5},
    "trainer": {"precision": "auto"},
}


def test_choices_and_the_keys_that_matter() -> None:
    found = flat_parameters(CONFIG)
    assert found["model"] == "unet_mnv2"
    assert found["model.encoder"] == "resnet18"
    assert found["seed"] == 3
    assert "loss.weight" not in found


def test_what_a_sweep_varies_is_among_them() -> None:
    found = flat_parameters(CONFIG, ["loss.weight", "model", "no.such"])
    assert found["loss.weight"] == 0.5
    assert found["model"] == "unet_mnv2"
    assert "no.such" not in found


def test_data_of_ones_own_are_told_apart() -> None:
    data = {"name": None, "root": "/data/kidney"}
    found = flat_parameters({**CONFIG, "choices": {"dataset": "folder"}, "dataset": data})
    assert found["dataset"] == "folder"
    assert found["data"] == "kidney"
    assert found["dataset.root"] == "/data/kidney"


def test_a_logger_is_told_what_the_sweep_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    logger = CSVLogger("unused")
    monkeypatch.setattr(logger, "log_hyperparams", told.append)
    monkeypatch.setenv("SEGKIT_SWEPT", "loss.weight")
    log_configuration([logger], CONFIG | {"monitor": "val/dice"}, resumed=False)
    assert told[0]["loss.weight"] == 0.5


def test_of_a_resumed_run_who_has_not_heard_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = install_mlflow(monkeypatch)
    for resumed, address in ((False, "http://old"), (True, "http://old"), (True, "http://new")):
        logger = RunMLflow(str(tmp_path), tracking_uri=address)
        seed = {"seed": 4 if resumed else 3}
        log_configuration([logger], CONFIG | {"monitor": "val/dice"} | seed, resumed=resumed)
    (old,), (new,) = (server.runs[address].values() for address in ("http://old", "http://new"))
    assert (old.params["seed"], new.params["seed"]) == ("3", "4")
    assert "seed: 4" in new.texts["config.yaml"]


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], MLflow]:
    """A training that is told to MLflow, and the server."""
    config = composed(tmp_path, tmp_path, "logger=mlflow", "trainer=cpu")
    config["logger"]["mlflow"]["tracking_uri"] = "http://here:5000"
    return config, install_mlflow(monkeypatch)


def test_a_trainer_that_is_refused_is_told_to_nobody(
    tracked: tuple[dict[str, Any], MLflow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    config, server = tracked
    config["trainer"] |= {"accelerator": "gpu"}
    with pytest.raises(SegkitError, match="this machine cannot train so"):
        build_trainer(config)
    assert server.tries == 0
    assert not (tmp_path / "run").exists()


def test_a_logger_that_is_refused_ends_the_others(
    tracked: tuple[dict[str, Any], MLflow], tmp_path: Path
) -> None:
    config, server = tracked
    config["logger"]["other"] = config["logger"]["mlflow"] | {"tracking_uri": "file:mlruns"}
    with pytest.raises(SegkitError, match="given up on folders"):
        build_trainer(config)
    (run,) = server.runs["http://here:5000"].values()
    assert run.status == "FAILED"
    assert not [*(tmp_path / "run").iterdir()]


def test_a_logger_that_is_refused_leaves_nothing_of_wandb(
    tracked: tuple[dict[str, Any], MLflow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = tracked
    codes = install_wandb(monkeypatch)
    wandb = composed(tmp_path, tmp_path, "logger=wandb", "logger.wandb.offline=true")["logger"]
    refused = config["logger"]["mlflow"] | {"tracking_uri": "file:mlruns"}
    config["logger"] = {**wandb, "mlflow": refused}
    with pytest.raises(SegkitError, match="given up on folders"):
        build_trainer(config)
    assert codes == [1]
    assert not [*(tmp_path / "run").iterdir()]


@pytest.mark.parametrize("broken", ["_begin", "starting_point"])
def test_a_training_that_cannot_begin_ends_its_loggers(
    tracked: tuple[dict[str, Any], MLflow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    config, server = tracked
    (tmp_path / "run").mkdir()

    def fails(*_: object, **__: object) -> None:
        raise SegkitError("the disk is full", where="here", remedy="make room")

    module = train if broken == "_begin" else resume_point
    monkeypatch.setattr(module, broken, fails)
    none: Any = None  # of data and module, which nothing looks at before
    folder, resumed = RunFolder(tmp_path / "run"), broken == "starting_point"
    with pytest.raises(SegkitError, match="the disk is full"):
        train._fit(config, none, none, folder, {}, resumed=resumed, alone=True)
    (run,) = server.runs["http://here:5000"].values()
    assert run.status == "FAILED"
