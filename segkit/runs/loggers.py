"""The configuration as text and as a flat table, for loggers."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch.loggers import Logger

from segkit.config.keys import HYPER_PARAMETERS, flatten
from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.core.run_folder import RunFolder
from segkit.core.sources import data_name
from segkit.runs.jobs import swept_keys
from segkit.tasks.named import task_kind
from segkit.training.trackers.base import IDS, WANDB, RunLogger


def log_configuration(
    loggers: Iterable[Logger], config: Mapping[str, Any], *, resumed: bool
) -> None:
    """Tell each logger what is being run, in the form that it shows best.

    Args:
        loggers: of a run that is resumed, those to which it is new are told.
        config: of the run.
        resumed: whether it is.
    """
    parameters = flat_parameters(config, swept_keys())
    metrics = [f"best/{config['monitor']}", *(f"test/{name}" for name in task_kind(config).tested)]
    for logger in loggers:
        if isinstance(logger, RunLogger):
            text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
            if logger.anew or not resumed:
                logger.log_configuration(text, parameters, metrics)
        elif not resumed:
            logger.log_hyperparams(parameters)


def all_of(built: Iterable[Logger], run_dir: str) -> list[Logger]:
    """Loggers as they are built; where one is refused, none is left in a run that never began."""
    folder = Path(run_dir)
    theirs = (folder / WANDB).exists()  # runs of the user's own, where the folder is theirs
    loggers: list[Logger] = []
    try:
        for logger in built:
            loggers.append(logger)
    except SegkitError:
        close(loggers)
        if is_first_process() and not RunFolder(folder).config.is_file():
            (folder / IDS).unlink(missing_ok=True)
            if not theirs:
                shutil.rmtree(folder / WANDB, ignore_errors=True)
        raise
    return loggers


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
