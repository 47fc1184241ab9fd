"""Where studies lie: databases, files on shared disks, and who is taken for lost."""

from pathlib import Path
from typing import Any

import pytest
from optuna import Study, Trial
from optuna.exceptions import StorageInternalError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from segkit.core.errors import SegkitError
from segkit.search import backends
from segkit.search import study as module
from segkit.search.backends import Database, Journal
from segkit.search.report import trials_csv
from segkit.search.storage import open_storage, sqlite
from segkit.search.study import counts, open_study
from tests.search.studies import hill, in_memory, run

FACTS: dict[str, Any] = {"monitor": "val/dice"}


@pytest.fixture(params=["sqlite", "journal"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{request.param}:///{tmp_path}/study.{request.param}"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of this process's clock, for a test to set."""
    now = [1000.0]
    monkeypatch.setattr("segkit.search.backends.time.monotonic", lambda: now[0])
    return now


def test_braces_in_a_path_are_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "{a}"
    folder.mkdir()
    assert open_storage(sqlite(str(folder / "study.db")))
    assert (folder / "study.db").is_file()


def test_a_study_lies_in_a_journal_as_in_a_database(address: str) -> None:
    assert run(open_study(address, "s", mode="max", facts=FACTS), n_trials=3) == ""
    again = open_study(address, "s", mode="max", facts=FACTS)
    assert counts(again) == {"complete": 3}
    whole = in_memory()("s")
    run(whole, n_trials=3)
    assert [t.params for t in again.get_trials()] == [t.params for t in whole.get_trials()]


def test_a_journal_that_cannot_be_read_or_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.journal"
    storage = open_storage(f"journal:///{path}")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("optuna.storages.journal._file.os.fsync", full)
    with pytest.raises(StorageInternalError, match="No space left"):
        storage.create_new_study([StudyDirection.MAXIMIZE], "s")
    monkeypatch.undo()
    with path.open("a", encoding="utf-8") as file:
        file.write('{"op_code": 4, "wor\n{}\n')
    with pytest.raises(SegkitError, match="cannot be used") as error:
        open_storage(f"journal:///{path}")
    assert "journal" in error.value.where
    with pytest.raises(SegkitError, match="cannot be used"):
        open_storage(f"journal:///{tmp_path}/none/s.journal")


def test_one_is_taken_for_lost_that_is_silent_at_two_looks(
    address: str, clock: list[float]
) -> None:
    storage = open_storage(address, abandoned=lambda *_: None)
    assert isinstance(storage, Database | Journal)
    study = storage.create_new_study([StudyDirection.MAXIMIZE], "s")
    silent, alive = storage.create_new_trial(study), storage.create_new_trial(study)

    def lost() -> list[int]:
        return storage._get_stale_trial_ids(study)

    for seconds, expected in ((0, []), (backends.GRACE, []), (2 * backends.BEAT, [silent])):
        clock[0] += seconds
        assert lost() == expected
        storage.record_heartbeat(alive)


def test_a_storage_that_was_away_makes_none_lost(address: str, clock: list[float]) -> None:
    """Nobody could say that it lives, for an hour."""
    storage = open_storage(address, abandoned=lambda *_: None)
    assert isinstance(storage, Database | Journal)
    study = storage.create_new_study([StudyDirection.MAXIMIZE], "s")
    trial = storage.create_new_trial(study)
    storage.record_heartbeat(trial)
    for seconds in (0, 3600):
        clock[0] += seconds
        assert storage._get_stale_trial_ids(study) == []
    storage.record_heartbeat(trial)
    clock[0] += 2 * backends.BEAT
    assert storage._get_stale_trial_ids(study) == []


def test_a_heartbeat_that_is_not_heard_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(sqlite(str(tmp_path / "s.db")), abandoned=lambda *_: None)
    assert isinstance(storage, Database)

    def away(*_: object) -> None:
        raise StorageInternalError("away")

    monkeypatch.setattr(storage, "set_trial_system_attr", away)
    storage.record_heartbeat(1)


def test_one_trial_too_many_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker begins the last one at the same moment, and has the lower number."""
    study = in_memory()("s")
    other: list[Trial] = []

    def both(of: Study) -> Any:
        found = known(of)
        if not other:
            other.append(of.ask())
        return found

    known = counts
    monkeypatch.setattr(module, "counts", both)
    monkeypatch.setattr("segkit.search.study.time.sleep", lambda _: study.tell(other[0], 1.0))
    assert run(study, n_trials=1) == ""
    assert [trial.state.name for trial in study.get_trials()] == ["COMPLETE", "FAIL"]
    assert "not needed" in trials_csv(study)


def test_one_that_others_took_for_lost_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """As of a machine that was suspended: its end comes too late, and is not counted."""
    study = in_memory()("s")

    def suspended(trial: Trial, values: Any) -> float:
        if trial.number == 0:
            study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        return hill(trial, values) if trial.number else 0.5

    assert run(study, suspended, n_trials=2) == ""
    assert counts(study) == {"fail": 1, "complete": 2}
    assert "took this trial for lost" in capsys.readouterr().out


def test_a_storage_that_breaks_off_costs_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    study = in_memory()("s")
    monkeypatch.setattr("segkit.search.study.time.sleep", lambda _: None)

    def broken(trial: Trial, values: Any) -> float:
        if trial.number == 1:
            raise StorageInternalError("gone")
        return hill(trial, values)

    assert run(study, broken, n_trials=3) == ""
    trials = study.get_trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].params == trials[1].params

    def away(trial: Trial, values: Any) -> float:
        raise StorageInternalError(str((trial, values)))

    with pytest.raises(StorageInternalError):
        run(study, away, n_trials=9)
