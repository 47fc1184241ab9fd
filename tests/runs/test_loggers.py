"""What loggers are told of a configuration."""

from typing import Any

import pytest
from lightning.pytorch.loggers import CSVLogger

from segkit.runs.loggers import flat_parameters, log_configuration

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
    log_configuration([logger], CONFIG | {"monitor": "val/dice"})
    assert told[0]["loss.weight"] == 0.5
