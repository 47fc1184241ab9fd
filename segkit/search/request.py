"""What ``segkit.sweep`` looks at before the first trial, so that no night is lost to a mistake."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra import compose
from omegaconf import OmegaConf

from segkit.config.hydra_errors import explain
from segkit.config.keys import OF_A_STUDY, OF_A_TRIAL, key_of, within
from segkit.core.errors import SegkitError, did_you_mean
from segkit.runs.build import check_training
from segkit.runs.cli import config_dir
from segkit.search.space import Space, as_overrides, corners
from segkit.search.storage import PRUNERS

if TYPE_CHECKING:
    from optuna import Study

SAMPLERS = ("tpe", "random")


def of_training(overrides: Sequence[str]) -> list[str]:
    """Of the user's overrides those that are for every training."""
    return [each for each in overrides if key_of(each).split(".")[0] not in OF_A_STUDY]


def shared(given: Sequence[str]) -> list[str]:
    """Of these again those that all trials of a study must have in common."""
    return sorted(each for each in given if not within(key_of(each), OF_A_TRIAL))


def check_request(config: Mapping[str, Any], *, multirun: bool) -> None:
    """Refuse what the command's own keys cannot be.

    Args:
        config: of the command.
        multirun: whether it was called as a sweep of Hydra's.

    Raises:
        SegkitError: with the key and what it may be.
    """
    if importlib.util.find_spec("optuna") is None:
        raise SegkitError(
            "a package is missing: optuna",
            where="segkit.sweep",
            remedy="pip install 'segkit[sweep]'",
        )
    if multirun:
        raise SegkitError(
            "a study is a sweep already",
            where="-m",
            remedy="leave it out; several values go into the space: 'space={model: [A, B]}'",
        )
    for key in ("resume", "run_dir"):
        if config[key] is not None:
            raise SegkitError(
                "each trial is a new run",
                where=f"{key}={config[key]}",
                remedy=f"leave {key} out; the same study= goes on with a study",
            )
    for key, options in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        if config[key] not in options:
            raise SegkitError(
                f"unknown {key} {config[key]!r}",
                where=f"{key}={config[key]}",
                remedy=did_you_mean(config[key], options),
            )
    for key, least in (("n_trials", 1), ("pruner_trials", 0), ("pruner_epochs", 0)):
        _check_number(key, config[key], least, whole=True)
    if config["timeout"] is not None:
        _check_number("timeout", config["timeout"], 0, whole=False)
    _check_names(str(config["study"]), config["storage"])


def _check_number(key: str, value: object, least: int, *, whole: bool) -> None:
    kinds = int if whole else int | float
    if not isinstance(value, kinds) or isinstance(value, bool) or value < least:
        kind = "whole number" if whole else "number"
        raise SegkitError(
            f"{value!r} is not a {kind} of {least} or more",
            where=f"{key}={value}",
            remedy=f"give a {kind} of {least} or more",
        )


def _check_names(study: str, storage: object) -> None:
    if not re.fullmatch(r"\w[\w.+-]*", study):
        raise SegkitError(
            "the name of a study is the name of its folder, too",
            where=f"study={study}",
            remedy="use letters, digits, and . _ + - after the first",
        )
    if storage is not None and not (isinstance(storage, str) and "://" in storage):
        raise SegkitError(
            "a storage is the address of a database",
            where=f"storage={storage}",
            remedy="storage=sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME, or leave it out",
        )


def dry_run(space: Space, given: Sequence[str]) -> None:
    """Compose a training with every option and every bound of the space.

    Raises:
        SegkitError: a key, an option or a value that no training takes.
    """
    for values in corners(space):
        overrides = [*given, *as_overrides(values)]
        try:
            config = OmegaConf.to_container(
                compose("train", overrides), resolve=True, throw_on_missing=True
            )
            assert isinstance(config, dict)
            check_training({str(key): value for key, value in config.items()})
        except Exception as error:
            told = error
            if not isinstance(error, SegkitError):
                told = explain(error, config_dir(), "train", overrides) or error
            if not isinstance(told, SegkitError):
                raise
            raise SegkitError(
                told.what, where=f"space: {told.where}", remedy=told.remedy
            ) from error


def check_folder(study: Study, folder: Path) -> None:
    """Refuse a folder with trials in it that a new study knows nothing of.

    Raises:
        SegkitError: there are such.
    """
    if study.get_trials(deepcopy=False) or not (left := sorted(folder.glob("trial_*"))):
        return
    raise SegkitError(
        "trials of another study lie in this folder",
        where=str(left[0]),
        remedy="remove them, or give this study another name: study=NAME",
    )
