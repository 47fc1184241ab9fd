"""What ``segkit.sweep`` checks before the first trial, so that no night is lost to a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra import compose
from omegaconf import OmegaConf

from segkit.config.hydra_errors import explain
from segkit.config.keys import OF_A_STUDY, OF_A_TRIAL, key_of, within
from segkit.config.values import SWEEP
from segkit.core.errors import SegkitError, require_packages
from segkit.core.values import check
from segkit.runs.checks import check_training
from segkit.runs.cli import config_dir
from segkit.search.space import Space, as_overrides, corners

if TYPE_CHECKING:
    from optuna import Study


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
    require_packages("optuna", extra="sweep")
    if multirun:
        raise SegkitError(
            "a study is a sweep already",
            where="-m",
            remedy="leave it out; several values go into the space: 'space={model: [A, B]}'",
        )
    check(config, SWEEP)


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
    left = sorted(folder.glob("trial_*"))  # in this order: another machine may begin one meanwhile
    if not left or study.get_trials(deepcopy=False):
        return
    raise SegkitError(
        "this folder holds trials of another study",
        where=str(left[0]),
        remedy="remove them, or give this study another name: study=NAME",
    )
