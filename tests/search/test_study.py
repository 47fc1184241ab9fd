"""A study with an objective of no cost: begun, resumed, stopped, failed."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from optuna import Study, Trial, TrialPruned, create_study, load_study
from optuna.trial import FrozenTrial, TrialState

from segkit.core.errors import SegkitError
from segkit.search import study as module
from segkit.search.report import best, trials_csv
from segkit.search.space import Scalar
from segkit.search.storage import REASON, cannot_use, open_storage, sqlite
from segkit.search.study import counts, open_study
from segkit.search.trial import TrialFailed
from tests.search.studies import hill, in_memory, run

FACTS = {"search space": {"x": [1]}, "monitor": "val/dice", "configuration": ["model=a"]}
Opened = Callable[..., Study]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    def make(name: str = "s", mode: str = "max", **facts: Any) -> Study:
        address = sqlite(str(tmp_path / "study.db"))
        return open_study(address, name, mode=mode, facts={**FACTS, **facts})

    return make


@pytest.fixture
def memory() -> Callable[[str], Study]:
    """Of a name, the same study each time, without a disk to wait for."""
    return in_memory()


def another_process(tmp_path: Path) -> Study:
    """What it would see of the study, without a heart of its own."""
    return load_study(study_name="s", storage=open_storage(sqlite(str(tmp_path / "study.db"))))


def watched_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segkit.search.backends.GRACE", 0.1)
    monkeypatch.setattr("segkit.search.backends.BEAT", 0.05)
    monkeypatch.setattr(module, "_LOOK_AGAIN", 0.05)


def params(study: Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.get_trials()]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_it_draws_by_the_seed_and_goes_on_as_if_never_stopped(
    memory: Callable[[str], Study], sampler: str
) -> None:
    whole, halves, other = memory("whole"), memory("halves"), memory("other")
    assert run(whole, n_trials=14, sampler=sampler) == ""
    assert run(halves, n_trials=6, sampler=sampler) == ""
    halves = memory("halves")
    assert run(halves, n_trials=14, sampler=sampler) == ""
    run(other, n_trials=3, sampler=sampler, seed=1)
    assert params(whole) == params(halves)
    assert params(other) != params(whole)[:3]
    assert len({p["x"] for p in params(whole)}) == 14


def test_what_has_finished_is_counted_over_calls(opened: Opened) -> None:
    told: list[FrozenTrial] = []
    assert run(opened(), n_trials=3, after=told.append) == ""
    assert [trial.number for trial in told] == [0, 1, 2]
    assert run(opened(), n_trials=3, after=told.append) == ""
    assert len(told) == 3


def test_failures_have_a_reason_and_do_not_count(opened: Opened) -> None:
    def objective(trial: Trial, values: Mapping[str, Scalar]) -> float:
        if trial.number in (1, 2):
            raise TrialFailed("the disk\nis full")
        if trial.number == 3:
            raise TrialPruned
        return hill(trial, values)

    study = opened()
    assert run(study, objective, 4) == ""
    assert counts(study) == {"complete": 3, "fail": 2, "pruned": 1}
    assert study.get_trials()[1].user_attrs[REASON] == "the disk\nis full"


@pytest.mark.parametrize(("first", "until"), [(0, 3), (1, 11)])
def test_it_gives_up_where_all_fail(opened: Opened, first: int, until: int) -> None:
    def objective(trial: Trial, values: Mapping[str, Scalar]) -> float:
        if trial.number < first:
            return hill(trial, values)
        raise TrialFailed("no")

    study = opened()
    assert run(study, objective, 20) == f"{until - first} trials in a row have failed"
    assert len(study.get_trials()) == until


def test_a_mistake_of_ours_is_not_swallowed(opened: Opened) -> None:
    def objective(trial: Trial, values: Mapping[str, Scalar]) -> float:
        raise ZeroDivisionError(trial, values)

    study = opened()
    with pytest.raises(ZeroDivisionError):
        run(study, objective)
    assert counts(study) == {"fail": 1}


@pytest.mark.usefixtures("interruptible")
def test_what_was_stopped_comes_next(opened: Opened) -> None:
    def objective(trial: Trial, values: Mapping[str, Scalar]) -> float:
        if trial.number == 1:
            signal.raise_signal(signal.SIGINT)
        return hill(trial, values)

    study = opened()
    with pytest.raises(KeyboardInterrupt):
        run(study, objective)
    assert counts(study) == {"complete": 1, "fail": 1, "waiting": 1}
    assert run(opened(), n_trials=2) == ""
    _, stopped, again = opened().get_trials()
    assert again.params == stopped.params
    assert "stopped" in stopped.user_attrs[REASON]


def test_no_trial_begins_after_the_time(opened: Opened) -> None:
    study = opened()
    assert "timeout=0" in run(study, minutes=0)
    assert not study.get_trials()


def test_it_waits_for_what_others_run_and_takes_their_place(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()
    study = another_process(tmp_path)
    others = study.ask()
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            study.tell(others, state=TrialState.FAIL)

    monkeypatch.setattr("segkit.search.study.time.sleep", sleep)
    assert run(opened(), n_trials=2) == ""
    assert len(waited) == 3
    assert counts(study) == {"complete": 2, "fail": 1}


def test_a_trial_whose_process_died_is_tried_again(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()
    study = another_process(tmp_path)
    dead = study.ask()
    x = dead.suggest_float("x", -5, 5)
    watched_briefly(monkeypatch)
    again = opened()
    assert run(again, n_trials=1) == ""
    first, second = again.get_trials()
    assert (first.state.name, second.state.name) == ("FAIL", "COMPLETE")
    assert second.params["x"] == x
    assert ",fail," in trials_csv(again)
    assert "its process is gone" in trials_csv(again)


@pytest.mark.parametrize(
    ("facts", "mode", "told"),
    [
        ({"search space": {"x": [1, 2]}}, "max", "another search space"),
        ({"monitor": "val/loss"}, "min", "another monitor"),
        ({"configuration": ["model=b"]}, "max", "model=a → model=b"),
    ],
)
def test_a_name_stands_for_one_question(
    opened: Opened, facts: dict[str, Any], mode: str, told: str
) -> None:
    run(opened(), n_trials=1)
    with pytest.raises(SegkitError) as error:
        opened(mode=mode, **facts)
    assert told in f"{error.value.what} {error.value.where}"
    assert "study=NAME" in error.value.remedy
    assert opened("another", mode, **facts).study_name == "another"


def test_a_study_of_someone_else_is_left_alone(tmp_path: Path, opened: Opened) -> None:
    address = sqlite(str(tmp_path / "study.db"))
    theirs = create_study(storage=open_storage(address), study_name="s")
    theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(SegkitError, match=r"not begun by segkit\.sweep"):
        opened()


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    for address in (
        f"sqlite:///{tmp_path}/none/study.db",
        "nonsense://me:secret@host/name",
        "postgresql://me:secret@localhost:1/name",
        "no address",
    ):
        with pytest.raises(SegkitError) as error:
            open_storage(address)
        assert "storage" in error.value.what
        assert "secret" not in str(error.value)
    assert "secret" not in str(cannot_use("postgresql://me:secret@h/n", ValueError("gone")))


def test_less_is_better_where_it_is(opened: Opened) -> None:
    study = opened("down", "min")
    run(study, n_trials=6)
    first = best(study)
    assert first is not None
    assert first.value == min(trial.value or 0.0 for trial in study.get_trials())


def test_trials_on_other_data_are_another_study(opened: Opened) -> None:
    opened(**{"data set": "kidney"})
    assert opened(**{"data set": "kidney"})
    with pytest.raises(SegkitError, match="with another data set") as caught:
        opened(**{"data set": "lung"})
    assert "kidney → lung" in caught.value.where


def test_a_study_that_did_not_note_its_data_goes_on(opened: Opened) -> None:
    opened()
    assert opened(**{"data set": "kidney"})
