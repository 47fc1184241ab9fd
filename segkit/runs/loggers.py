"""The configuration as text and as a flat table, for loggers."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from lightning.pytorch.loggers import Logger

from segkit.config.keys import HYPER_PARAMETERS, flatten
from segkit.core.sources import data_name
from segkit.runs.jobs import swept_keys
from segkit.tasks.named import task_kind
from segkit.training.trackers.base import RunLogger


def log_configuration(loggers: Iterable[Logger], config: Mapping[str, Any]) -> None:
    """Tell each logger what is being run, in the form that it shows best."""
    parameters = flat_parameters(config, swept_keys())
    metrics = [f"best/{config['monitor']}", *(f"test/{name}" for name in task_kind(config).tested)]
    for logger in loggers:
        if isinstance(logger, RunLogger):
            text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
            logger.log_configuration(text, parameters, metrics)
        else:
            logger.log_hyperparams(parameters)


def close(loggers: Iterable[Logger]) -> None:
    """End what a training has told them, however it ended."""
    for logger in loggers:
        if isinstance(logger, RunLogger):
            logger.close()


def flat_parameters(config: Mapping[str, Any], more: Iterable[str] = ()) -> dict[str, str | float]:
    """Hyper-parameters in a table: the choices by group, and the keys that matter most.

    Args:
        config: of a run.
        more: keys that matter for this run.
    """
    flat: dict[str, str | float] = {str(k): str(v) for k, v in config["choices"].items()}
    if isinstance(data := config.get("dataset"), Mapping):
        flat["data"] = data_name(data)  # all folders of one's own are the same choice
    values = flatten(config)
    for key in dict.fromkeys((*HYPER_PARAMETERS, *more)):
        if key in flat:
            continue  # a group, whose choice is there
        value = values.get(key)
        if value is not None and not isinstance(value, Mapping):
            flat[key] = value if isinstance(value, int | float) else str(value)
    return flat
