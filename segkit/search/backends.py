"""Optuna's storages, for studies on many machines: one that is away for a while costs nothing.

A database server is restarted, a file server stalls, a worker is killed: the others go on, and
what it was at is tried again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from optuna import Study
from optuna.exceptions import OptunaError, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import get_lock_file
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

Abandoned = Callable[[Study, FrozenTrial], None]

# What a storage raises that is away, or was in the middle of something.
AWAY = (SQLAlchemyError, StorageInternalError)

# A study whose process says nothing for so long is taken for dead, and its trial with it.
BEAT, GRACE = 15, 60  # seconds
_BEAT = "segkit:beat"  # among the attributes of a trial that are Optuna's own
PATIENCE = 600.0  # seconds in which a server may come back
_ASK_AGAIN = 2.0


class _Watched(BaseStorage, BaseHeartbeat):
    """Says that this process lives, and takes a trial for lost whose process has stopped saying so.

    By nobody's clock: what counts is that a beat is no other than before. Twice: a server that was
    away has heard no one, and those who live beat again as soon as it is back.
    """

    _abandoned: Abandoned | None = None

    def __init__(self) -> None:
        self._heard: dict[int, tuple[object, float]] = {}
        self._suspects: dict[int, float] = {}

    def _beat(self, trial_id: int) -> None:
        raise NotImplementedError

    def _last_beat(self, trial: FrozenTrial) -> object:
        raise NotImplementedError

    def record_heartbeat(self, trial_id: int) -> None:
        # Optuna's thread would end, and the trial be taken for lost by all others.
        with suppress(OptunaError, SQLAlchemyError, OSError):
            self._beat(trial_id)

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        now, lost = time.monotonic(), []
        running = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        before, suspects = self._heard, self._suspects
        self._heard, self._suspects = {}, {}
        for trial in running:
            number, beat = trial._trial_id, self._last_beat(trial)
            known, since = before.get(number, (beat, now))
            self._heard[number] = (beat, since if known == beat else now)
            if known == beat and now - since >= GRACE:
                self._suspects[number] = suspects.get(number, now)
                if now - self._suspects[number] >= 2 * BEAT:
                    lost.append(number)
        return lost

    def get_heartbeat_interval(self) -> int | None:
        return BEAT if self._abandoned else None

    def get_heartbeat_stale_trial_callback(self) -> Abandoned | None:
        return self._abandoned


class Database(_Watched, RDBStorage):
    """A database that SQLAlchemy knows.

    Args:
        address: as SQLAlchemy reads it.
        engine: arguments of its engine.
        abandoned: what to do about a trial whose process has died; without it, this process
            neither says that it lives nor waits for a server.
    """

    def __init__(self, address: str, engine: dict[str, Any], abandoned: Abandoned | None) -> None:
        _Watched.__init__(self)
        RDBStorage.__init__(self, address, engine_kwargs=engine)
        self._abandoned = abandoned
        if abandoned and self.engine.dialect.name != "sqlite":
            _wait_for_server(self.engine)

    def _beat(self, trial_id: int) -> None:
        self.set_trial_system_attr(trial_id, _BEAT, time.time())

    def _last_beat(self, trial: FrozenTrial) -> object:
        return trial.system_attrs.get(_BEAT)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Once more where it broke off: Optuna asks before it notes how a trial has ended."""
        try:
            return super().get_trial(trial_id)
        except AWAY:
            return super().get_trial(trial_id)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Once more where it broke off: the end of a trial may be the result of a day."""
        try:
            return super().set_trial_state_values(trial_id, state, values)
        except AWAY:
            try:
                return super().set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                # What broke off may have been the answer.
                noted = self.get_trial(trial_id)
                if (noted.state, noted.values) != (state, None if values is None else [*values]):
                    raise
                return True


def _wait_for_server(engine: Engine) -> None:
    """Once it has answered, wait for a server that is restarted; a heartbeat does not."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _: object, given: Any, named: Any) -> Any:
        until, told = time.monotonic() + PATIENCE, False
        while True:
            try:
                return dialect.connect(*given, **named)
            except dialect.loaded_dbapi.OperationalError:
                if current_thread() is not main_thread() or time.monotonic() > until:
                    raise
                if not told:
                    told, most = True, f"for {PATIENCE / 60:.0f} minutes at most"
                    said = f"the storage of the study does not answer; waiting, {most}"
                    print(said, file=sys.stderr, flush=True)
                time.sleep(_ASK_AGAIN)


class _File(JournalFileBackend):
    """Says of a disk that is full, or of a line cut short, that it is the storage's."""

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        try:
            yield from super().read_logs(log_number_from)
        except (OSError, ValueError) as error:
            raise StorageInternalError(str(error)) from error

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        try:
            super().append_logs(logs)
        except OSError as error:
            with suppress(OSError):
                self._cut_to_lines()
            raise StorageInternalError(str(error)) from error

    def _cut_to_lines(self) -> None:
        """Take away what was written of a line: the next would go on in it, and end the study."""
        with get_lock_file(self._lock), Path(self._file_path).open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


class Journal(_Watched, JournalStorage):
    """A file on a disk that all machines share, where there is no server.

    Beside it lies a folder with a file a running trial, touched as long as its process lives: said
    in the journal itself, that would be most of it.

    Args:
        path: of the file.
        abandoned: see :class:`Database`.
    """

    def __init__(self, path: Path, abandoned: Abandoned | None) -> None:
        _Watched.__init__(self)
        JournalStorage.__init__(self, _File(str(path)))
        self._abandoned = abandoned
        self._beats = path.with_name(f"{path.name}.beats")

    def _beat(self, trial_id: int) -> None:
        self._beats.mkdir(exist_ok=True)
        (self._beats / str(trial_id)).touch()

    def _last_beat(self, trial: FrozenTrial) -> object:
        with suppress(FileNotFoundError):
            return (self._beats / str(trial._trial_id)).stat().st_mtime_ns
        return None

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        done = super().set_trial_state_values(trial_id, state, values)
        if state.is_finished():
            (self._beats / str(trial_id)).unlink(missing_ok=True)
        return done
