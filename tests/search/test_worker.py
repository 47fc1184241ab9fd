"""How a worker ends a trial whose storage breaks off, or that others have taken for lost."""

import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from optuna import Study, Trial
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

from segkit.search.space import Scalar
from segkit.search.storage import open_storage, sqlite
from segkit.search.study import counts, open_study
from segkit.search.worker import Objective, Worker
from tests.search.studies import SPACE, hill, in_memory, run


def run_one(study: Study, objective: Objective) -> None:
    Worker(study, objective, SPACE, "random", 0, 9, lambda _: None).run_trial()


@contextmanager
def full(path: Path) -> Iterator[None]:
    """No file grows beyond some bytes more than this one has."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_end_that_another_noted_meanwhile_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(sqlite(str(tmp_path / "s.db")))
    trial = storage.create_new_trial(storage.create_new_study([StudyDirection.MAXIMIZE], "s"))
    note = RDBStorage.set_trial_state_values
    heard: list[TrialState] = []

    def break_off(self: Any, trial: int, state: TrialState, values: Any = None) -> bool:
        heard.append(state)
        if len(heard) > 1:
            return note(self, trial, state, values)
        note(self, trial, TrialState.FAIL)  # of another, which took it for lost
        raise StorageInternalError("gone")

    monkeypatch.setattr(RDBStorage, "set_trial_state_values", break_off)
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(trial, TrialState.COMPLETE, (0.5,))
    assert len(heard) == 2


def test_a_study_goes_on_where_an_answer_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = RDBStorage.set_trial_state_values
    lost: list[int] = []

    def lose_answer(self: Any, trial: int, state: TrialState, values: Any = None) -> bool:
        done = note(self, trial, state, values)
        if trial not in lost:
            lost.append(trial)
            raise StorageInternalError("gone")
        return done

    monkeypatch.setattr(RDBStorage, "set_trial_state_values", lose_answer)
    study = open_study(sqlite(str(tmp_path / "s.db")), "s", mode="max", facts={})
    assert run(study, n_trials=3) == ""
    assert counts(study) == {"complete": 3}
    assert len(lost) == 3


def test_a_full_disk_is_told_and_leaves_a_journal_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.journal"
    study = open_study(f"journal:///{path}", "s", mode="max", facts={})
    held: list[Any] = []

    def fill(trial: Trial, values: Mapping[str, Scalar]) -> float:
        score = hill(trial, values)
        held.append(full(path))
        held[-1].__enter__()
        return score

    try:
        with pytest.raises(StorageInternalError, match="File too large"):
            run_one(study, fill)
    finally:
        held[0].__exit__(None, None, None)
    assert path.read_bytes().endswith(b"}\n")
    again = open_study(f"journal:///{path}", "s", mode="max", facts={})
    run_one(again, hill)
    assert counts(again) == {"running": 1, "complete": 1}


def test_a_storage_that_cannot_be_read_at_the_end_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = in_memory()("s")

    def away(_: int) -> Any:
        raise StorageInternalError("gone")

    def break_off(trial: Trial, values: Mapping[str, Scalar]) -> float:
        score = hill(trial, values)
        monkeypatch.setattr(study._storage, "get_trial", away)
        return score

    with pytest.raises(StorageInternalError, match="gone"):
        run_one(study, break_off)


def test_ctrl_c_ends_a_study_whose_trial_was_taken_for_lost() -> None:
    study = in_memory()("s")

    def suspended(trial: Trial, values: Mapping[str, Scalar]) -> float:
        assert trial.number == 0
        study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        raise KeyboardInterrupt(values)

    with pytest.raises(KeyboardInterrupt):
        run(study, suspended)
    assert counts(study) == {"fail": 1}  # its values are the others' to try


def test_ctrl_c_ends_a_study_whose_storage_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    study = in_memory()("s")

    def away(*_: object) -> None:
        raise StorageInternalError("gone")

    def stopped(trial: Trial, values: Mapping[str, Scalar]) -> float:
        assert trial.number == 0
        monkeypatch.setattr(study._storage, "set_trial_user_attr", away)
        raise KeyboardInterrupt(trial, values)

    with pytest.raises(KeyboardInterrupt):
        run(study, stopped)


def test_an_end_that_broke_off_is_noted_once_the_storage_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its score may be of a day."""
    study = in_memory()("s")
    note = study._storage.set_trial_state_values
    broken: list[int] = []

    def break_off(trial: int, state: TrialState, values: Any = None) -> bool:
        if len(broken) < 3:
            broken.append(trial)
            raise StorageInternalError("gone")
        return note(trial, state, values)

    monkeypatch.setattr(study._storage, "set_trial_state_values", break_off)
    told: list[int] = []
    assert run(study, n_trials=1, after=lambda trial: told.append(trial.number)) == ""
    assert (counts(study), told, len(broken)) == ({"complete": 1}, [0], 3)


def test_a_storage_that_never_notes_an_end_ends_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    study = in_memory()("s")
    note = study._storage.set_trial_state_values

    def full_disk(*_: object) -> bool:
        raise StorageInternalError("full")

    monkeypatch.setattr(study._storage, "set_trial_state_values", full_disk)
    with pytest.raises(StorageInternalError, match="full"):
        run(study, n_trials=1)
    monkeypatch.setattr(study._storage, "set_trial_state_values", note)
    assert counts(study) == {"running": 1}
