"""A study: created or opened by name, and run until enough trials have finished."""

import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

import optuna
from optuna import Study
from optuna.exceptions import ExperimentalWarning, OptunaError
from optuna.storages import fail_stale_trials
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from segkit.config.keys import ONCE_DEFAULT, flatten
from segkit.core.errors import SegkitError
from segkit.core.quoting import written
from segkit.core.run_folder import RunFolder
from segkit.search.backends import AWAY
from segkit.search.space import Space
from segkit.search.storage import FOLDER, cannot_use, open_storage
from segkit.search.worker import Objective, Worker

# In a row: none has finished yet, or some have.
_GIVE_UP_AT_ONCE, _GIVE_UP = 3, 10
_LOOK_AGAIN = 5.0  # seconds, while other processes run the last trials
_BREAKS = 5  # of the connection, in a row
_FACTS = "segkit"


def open_study(address: str, name: str, *, mode: str, facts: Mapping[str, Any]) -> Study:
    """Open a study, or begin it.

    Args:
        address: of the database.
        name: of the study.
        mode: ``max`` or ``min``.
        facts: what all trials of a study share; those of the first call are kept with it.

    Raises:
        SegkitError: the database cannot be reached, or the study is about something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # segkit reports trials in its own words
    storage = open_storage(address, abandoned=_once_more)
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize" if mode == "max" else "minimize",
            load_if_exists=True,
        )
        new = not study.get_trials(deepcopy=False)  # in this order: another may begin it meanwhile
        known = study.user_attrs.get(_FACTS)
        if known is None and new:
            study.set_user_attr(_FACTS, dict(facts))
            known = facts
    except (SQLAlchemyError, OptunaError) as error:
        raise cannot_use(address, error) from error
    _check_facts(name, known, facts)
    return study


def begun_with(study: Study, config: Mapping[str, Any], asked: Collection[str]) -> list[str]:
    """Overrides that keep a study to what was the default when it began, if it is another today.

    Args:
        study: as :func:`open_study` gives it.
        config: of a training, as composed today.
        asked: keys that the user has given, and those that are searched.

    Raises:
        OptunaError, SQLAlchemyError: the study cannot be read.
    """
    today = flatten(config)
    left = [key for key in ONCE_DEFAULT if key not in (*asked, *study.user_attrs[_FACTS])]
    then = (_first_run(study) or ONCE_DEFAULT) if left else {}
    return [
        f"{key}={written(value)}"
        for key in left
        if (value := then.get(key, ONCE_DEFAULT[key])) != today.get(key)
    ]


def _first_run(study: Study) -> Mapping[str, Any] | None:
    """The configuration of the first of its trainings whose run folder is here."""
    attributes = [trial.user_attrs for trial in study.get_trials(deepcopy=False)]
    for folder in (each[FOLDER] for each in attributes if FOLDER in each):
        with suppress(SegkitError):
            return flatten(RunFolder(folder).read_config())
    return None


def _once_more(study: Study, trial: FrozenTrial) -> None:
    """What was cut off says nothing against its values: they come next."""
    study.enqueue_trial(trial.params)


def _check_facts(name: str, known: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> None:
    remedy = "give this one another name: study=NAME; or the old one its own space and keys"
    if known is None:
        raise SegkitError(
            "a study of this name was not begun by segkit.sweep",
            where=f"study={name}",
            remedy="give this one another name: study=NAME",
        )
    for about, value in facts.items():
        if (before := known.get(about, value)) != value:
            raise SegkitError(
                f"there is a study of this name with another {about}, and their trials "
                "cannot be compared",
                where=f"study={name}: {_difference(before, value)}",
                remedy=remedy,
            )


def _difference(before: Any, now: Any) -> str:
    """What was, and what is, without what is the same in both."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted({*before, *now})
        other = [key for key in keys if before.get(key) != now.get(key)]
        return "; ".join(f"{k}: {before.get(k, 'none')} → {now.get(k, 'none')}" for k in other)
    if isinstance(before, list) and isinstance(now, list):
        gone, new = ([v for v in a if v not in b] for a, b in ((before, now), (now, before)))
        return f"{', '.join(gone) or 'none'} → {', '.join(new) or 'none'}"
    return f"{before} → {now}"


def _fail_abandoned(study: Study) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        fail_stale_trials(study)


def counts(study: Study) -> Counter[str]:
    """Trials by state: ``complete``, ``pruned``, ``fail``, ``running``, ``waiting``."""
    return Counter(trial.state.name.lower() for trial in study.get_trials(deepcopy=False))


def run_study(
    study: Study,
    objective: Objective,
    space: Space,
    *,
    sampler: str,
    seed: int,
    n_trials: int,
    minutes: float | None = None,
    after: Callable[[FrozenTrial], None] = lambda _: None,
) -> str:
    """Run trials until enough have finished, in all calls and processes together.

    Args:
        study: as :func:`open_study` gives it.
        objective: a score for values.
        space: to draw them from.
        sampler: ``tpe`` or ``random``.
        seed: of the draws.
        n_trials: complete or pruned; failed ones do not count.
        minutes: after which no further trial begins.
        after: called with each trial when it has ended.

    Returns:
        Why it ended before its end; empty where it did not.

    Raises:
        KeyboardInterrupt: the trial has ended, and the next call begins with its values.
    """
    worker = Worker(study, objective, space, sampler, seed, n_trials, after)
    started, broken_off = time.monotonic(), 0
    while True:
        try:
            worker.tell()
            _fail_abandoned(study)
            found = counts(study)
            finished = found["complete"] + found["pruned"]
            if finished >= n_trials:
                return ""
            if worker.failed >= (_GIVE_UP if finished else _GIVE_UP_AT_ONCE):
                return f"{worker.failed} trials in a row have failed"
            if minutes is not None and time.monotonic() - started >= minutes * 60:
                return f"the time is up (timeout={minutes:g} minutes)"
            if finished + found["running"] < n_trials:
                worker.run_trial()
            else:
                # Should one of the others fail, this process takes its place.
                time.sleep(_LOOK_AGAIN)
            broken_off = 0
        except AWAY:
            # In the middle of something; asked again, it waits for its server.
            broken_off += 1
            if broken_off == _BREAKS:
                raise
