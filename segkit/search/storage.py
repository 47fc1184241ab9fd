"""Where a study lies: any database that Optuna knows, opened by the study and by its trainings.

Optuna is imported where needed: it is an extra, and takes half a second.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.core.errors import SegkitError
from segkit.core.sources import check_apart

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

# How a study tells its trainings where it lies. Not by their configuration, which is written
# down and shown around, and the address may hold a password.
STORAGE = "SEGKIT_STUDY_STORAGE"
PROCESS = "SEGKIT_STUDY_PROCESS"  # of the study, on this machine

# A trial's attributes. The first is written by the training, and holds the epoch.
PRUNED, FOLDER, REASON, MINUTES = "pruned", "folder", "reason", "minutes"

# A study whose process says nothing for so long is taken for dead, and its trial with it.
BEAT, GRACE = 15, 60  # seconds


def sqlite(path: str) -> str:
    """The address of a file."""
    from sqlalchemy import URL

    return str(URL.create("sqlite", database=path))


def check_storage(address: str, sources: Iterable[tuple[str, object]]) -> None:
    """Refuse a file among the data that are read.

    Args:
        address: as SQLAlchemy reads it.
        sources: see :func:`~segkit.core.sources.check_apart`.

    Raises:
        SegkitError: naming both.
    """
    from sqlalchemy import make_url

    url = make_url(address)
    if url.get_backend_name() == "sqlite" and url.database:
        check_apart(Path(url.database), sources, key="storage", form="sqlite:///PATH")


def without_password(address: str) -> str:
    """An address as it may be shown."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(address).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return address if "@" not in address else f"…@{address.rpartition('@')[2]}"


def open_storage(
    address: str, *, abandoned: Callable[[Study, FrozenTrial], None] | None = None
) -> BaseStorage:
    """Connect to a database, and lay it out if it is new.

    Args:
        address: as SQLAlchemy reads it.
        abandoned: what to do about a trial whose process has died; a study gives it, a training
            does not.

    Raises:
        SegkitError: it cannot be reached.
    """
    from optuna.exceptions import ExperimentalWarning, OptunaError
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    # Trainings beside each other write one file in turns, on a network's disk slowly.
    patient: dict[str, Any] = {"connect_args": {"timeout": 60}}
    watched: dict[str, Any] = {"heartbeat_interval": BEAT, "grace_period": GRACE}
    with warnings.catch_warnings():
        # Optuna calls its heartbeat experimental; it has been in it since 2.9.
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return RDBStorage(
                address,
                engine_kwargs=patient if address.startswith("sqlite") else {},
                heartbeat_stale_trial_callback=abandoned,
                **(watched if abandoned else {}),
            )
        except (SQLAlchemyError, OptunaError, ImportError, OSError, ValueError) as error:
            raise cannot_reach(address, error) from error


def cannot_reach(address: str, error: BaseException) -> SegkitError:
    """What to say of a database that does not answer."""
    if isinstance(error, ImportError):
        what = f"a package is missing for this storage: {error}"
        remedy = "install the database's driver"
    else:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
        what = f"the storage of the study cannot be reached: {cause[0]}"
        remedy = (
            "storage=sqlite:///FILE on a disk of this machine, "
            "storage=postgresql://USER:PASSWORD@HOST/NAME or mysql+pymysql://… for several"
        )
    return SegkitError(what, where=f"storage={without_password(address)}", remedy=remedy)


def build_pruner(name: str, *, trials: int, epochs: int) -> BasePruner:
    """What decides whether to prune a trial.

    Args:
        name: ``median`` or ``none``.
        trials: that must have finished before any is pruned.
        epochs: that each trial is given.
    """
    from optuna.pruners import MedianPruner, NopPruner

    if name == "none":
        return NopPruner()
    return MedianPruner(n_startup_trials=trials, n_warmup_steps=epochs)
