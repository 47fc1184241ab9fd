"""The configuration as text and as a flat table, for loggers."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from lightning.pytorch.loggers import Logger

from segkit.core.sources import data_name
from segkit.runs.jobs import swept_keys
from segkit.training.fit import TESTED
from segkit.training.tensorboard import RunTensorBoard

# What a run is compared by. The rest is in config.yaml and in TensorBoard's text tab.
_PARAMETERS = (
    "seed",
    "dataset.root",
    "dataset.size",
    "dataset.crop",
    "dataset.batch_size",
    "dataset.split.fold",
    "model.encoder",
    "model.encoder_weights",
    "freeze_encoder",
    "optim.lr",
    "optim.weight_decay",
    "trainer.max_epochs",
    "trainer.precision",
)


def log_configuration(loggers: Iterable[Logger], config: Mapping[str, Any]) -> None:
    """Tell each logger what is being run, in the form that it shows best."""
    parameters = flat_parameters(config)
    metrics = [f"best/{config['monitor']}", *(f"test/{name}" for name in TESTED)]
    for logger in loggers:
        if isinstance(logger, RunTensorBoard):
            text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
            logger.log_configuration(text, parameters, metrics)
        else:
            logger.log_hyperparams(parameters)


def flat_parameters(config: Mapping[str, Any]) -> dict[str, str | float]:
    """Hyper-parameters for a logger: the choices by group, and the keys that matter most."""
    flat: dict[str, str | float] = {str(k): str(v) for k, v in config["choices"].items()}
    if isinstance(data := config.get("dataset"), Mapping):
        flat["data"] = data_name(data)  # all folders of one's own are the same choice
    for key in dict.fromkeys((*_PARAMETERS, *swept_keys())):
        if key in flat:
            continue  # a group, whose choice is there
        value: Any = config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and not isinstance(value, Mapping):
            flat[key] = value if isinstance(value, int | float) else str(value)
    return flat
