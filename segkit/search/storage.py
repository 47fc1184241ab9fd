"""Where a study lies: any database that Optuna knows, opened by the study and by its trainings.

Optuna is imported where needed: it is an extra, and takes half a second.
"""

from __future__ import annotations

import random
import re
import time
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
    from sqlalchemy import URL

# How a study tells its trainings where it lies. Not by their configuration, which is written
# down and shown around, and the address may hold a password.
STORAGE = "SEGKIT_STUDY_STORAGE"
PROCESS = "SEGKIT_STUDY_PROCESS"  # of the study, on this machine

# A trial's attributes. The first is written by the training, and holds the epoch.
PRUNED, FOLDER, REASON, MINUTES = "pruned", "folder", "reason", "minutes"

# The scheme of a file on a shared disk, beside those that SQLAlchemy knows.
JOURNAL = "journal"
_FILES = ("sqlite", JOURNAL)
_CONNECT = 10  # seconds in which a server has to answer, where its driver can be told
_PATIENT_DRIVERS = ("psycopg", "psycopg2", "pymysql", "mysqldb")
_SERVER = (
    "check that the server runs, its address, user and password (which may stand in PGPASSWORD or "
    "~/.pgpass instead): storage=postgresql://USER:PASSWORD@HOST:PORT/NAME, special characters "
    "as %40; without a server: storage=journal:////FILE on a disk that all machines share"
)
_ENCODED = (
    "write postgresql://USER:PASSWORD@HOST:PORT/NAME, in user, password and all that follows the "
    "host @ as %40, : as %3A, / as %2F, ? as %3F; or leave the password to PGPASSWORD or ~/.pgpass"
)
_FILE = "name a file in a folder that you may write to: storage={0}:///FILE, absolute {0}:////FILE"
_NONE_OF_THEM = (
    "storage=sqlite:///FILE on a disk of this machine; for several machines "
    "storage=journal:////FILE on a disk that they share, storage=postgresql://USER:PASSWORD@HOST/NAME"
    " or mysql+pymysql://…"
)
_REMEDIES = {
    "postgresql": _SERVER,
    "sqlite": _FILE.format("sqlite"),
    JOURNAL: _FILE.format(JOURNAL),
}
_AT_ONCE = re.compile("already exists|duplicate", re.IGNORECASE)


def sqlite(path: str) -> str:
    """The address of a file."""
    from sqlalchemy import URL

    return str(URL.create("sqlite", database=path))


def check_storage(address: str, sources: Iterable[tuple[str, object]]) -> None:
    """Refuse what is no address, one whose driver is missing, and a file among the data.

    Args:
        address: as SQLAlchemy reads it, or ``journal:///FILE``.
        sources: see :func:`~segkit.core.sources.check_apart`.

    Raises:
        SegkitError: with what to do.
    """
    from sqlalchemy.exc import SQLAlchemyError

    url = _read(address)
    name = url.drivername.split("+")[0]
    if name != JOURNAL:
        try:
            url.get_dialect().import_dbapi()
        except (SQLAlchemyError, ImportError, ValueError) as error:
            raise cannot_use(address, error) from error
    if name in _FILES and url.database:
        check_apart(Path(url.database), sources, key="storage", form=f"{name}:///PATH")


def _read(address: str) -> URL:
    """The parts of an address.

    Raises:
        SegkitError: it can be read in two ways, or in none. What part of it is the password is then
            unknown, so nothing of it is shown, nor what SQLAlchemy says, which may quote it.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    def wrong(what: str, remedy: str) -> SegkitError:
        return SegkitError(what, where="storage=…", remedy=remedy)

    scheme, _, rest = address.partition("://")
    server, _, query = rest.partition("?")
    is_file = scheme in _FILES
    if not is_file and (server.count("@") > 1 or "@" in query):
        raise wrong("an @ of this address may be of its password, or not", _ENCODED)
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise wrong("this is not the address of a storage", _NONE_OF_THEM) from error
    except ValueError as error:
        raise wrong("the port of this address is not a number", _ENCODED) from error
    if is_file and url.host:
        path = "FILE" if "@" in server else f"{url.host}/{url.database or ''}"
        raise wrong(
            f"{scheme} is a file, and two slashes stand before a server",
            f"storage={scheme}:////{path} for /{path}, storage={scheme}:///{path} for {path} in "
            "this folder",
        )
    return url


def without_password(address: str) -> str:
    """An address as it may be shown."""
    try:
        url = _read(address)
    except SegkitError:
        return "…"
    hidden = {key: "***" for key in url.query if "pass" in key.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def open_storage(
    address: str, *, abandoned: Callable[[Study, FrozenTrial], None] | None = None
) -> BaseStorage:
    """Connect to a database, and lay it out if it is new.

    Args:
        address: as SQLAlchemy reads it, or ``journal:///FILE``.
        abandoned: what to do about a trial whose process has died; a study gives it, a training
            does not.

    Raises:
        SegkitError: it cannot be reached.
    """
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    from segkit.search.backends import Database, Journal

    url = _read(address)
    for left in reversed(range(5)):
        try:
            if url.drivername == JOURNAL:
                return Journal(Path(url.database or "").resolve(), abandoned)
            # Optuna fills in what stands in braces.
            given = address.replace("{", "{{").replace("}", "}}")
            return Database(given, _engine(url), abandoned)
        except (SQLAlchemyError, OptunaError, ImportError, OSError, ValueError) as error:
            # Workers that start in the same second all lay out a new database.
            if not left or not _AT_ONCE.search(str(error)):
                raise cannot_use(address, error) from error
        time.sleep(random.random())  # noqa: S311  # apart from the others
    raise AssertionError("unreachable")


def _engine(url: URL) -> dict[str, Any]:
    """How SQLAlchemy is to connect."""
    if url.get_backend_name() == "sqlite":
        # Trainings beside each other write one file in turns, on a network's disk slowly.
        return {"connect_args": {"timeout": 60}}
    timed = url.get_driver_name() in _PATIENT_DRIVERS and "connect_timeout" not in url.query
    # A connection of before a restart of the server is tried before it is used.
    return {
        "pool_pre_ping": True,
        **({"connect_args": {"connect_timeout": _CONNECT}} if timed else {}),
    }


def cannot_use(address: str, error: BaseException) -> SegkitError:
    """What to say of a database that does not answer."""
    scheme = address.partition("://")[0].split("+")[0]
    if isinstance(error, ImportError):
        missing = str(getattr(error.__cause__ or error, "name", None) or error)
        what = f"the driver of this storage is not installed: {missing}"
        remedy = f"pip install {missing}"
        if scheme == "postgresql":
            remedy = "pip install 'segkit[postgresql]', and write postgresql://…"
    else:
        cause = getattr(error.__cause__ or error, "orig", None) or error.__cause__ or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        what = f"the storage of the study cannot be used: {lines[0]}"
        remedy = _REMEDIES.get(scheme, _NONE_OF_THEM)
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
