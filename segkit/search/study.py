"""A study: created or opened by name, and run until enough trials have finished."""

import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna import Study, Trial
from optuna.exceptions import ExperimentalWarning, OptunaError, UpdateFinishedTrialError
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import fail_stale_trials
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from segkit.core.errors import SegkitError
from segkit.search.backends import AWAY
from segkit.search.space import Scalar, Space, suggest
from segkit.search.storage import MINUTES, REASON, cannot_use, open_storage
from segkit.search.trial import TrialFailed

# In a row: none has finished yet, or some have.
_GIVE_UP_AT_ONCE, _GIVE_UP = 3, 10
_LOOK_AGAIN = 5.0  # seconds, while other processes run the last trials
_BREAKS = 5  # of the connection, in a row
_FACTS = "segkit"
_NOT_NEEDED = "not needed: others run the last trials"

# A trial's number and values in, its score out; TrialFailed and TrialPruned for other ends.
Objective = Callable[[Trial, Mapping[str, Scalar]], float]


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


def build_sampler(name: str, seed: int, number: int) -> BaseSampler:
    """What draws the values of one trial.

    By its number, so that machines that share a study draw different ones, and a study that was
    cut off draws what it would have drawn.
    """
    drawn = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    if name == "random":
        return RandomSampler(seed=drawn)
    # Trials of other processes are still running when the next is drawn: keep away from them.
    return TPESampler(seed=drawn, constant_liar=True)


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
    worker = _Worker(study, objective, space, sampler, seed, n_trials, after)
    started, broken_off = time.monotonic(), 0
    while True:
        try:
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


@dataclass
class _Worker:
    """Draws trials and runs them, of a study that others may work on at the same time."""

    study: Study
    objective: Objective
    space: Space
    sampler: str
    seed: int
    n_trials: int
    after: Callable[[FrozenTrial], None]
    failed: int = 0  # in a row

    def run_trial(self) -> None:
        """Run one, or find that it is one too many."""
        lost = False

        def drawn(trial: Trial) -> float:
            nonlocal lost
            try:
                return self._score(trial)
            except UpdateFinishedTrialError:
                lost = True
                raise

        try:
            self.study.optimize(drawn, n_trials=1, catch=(TrialFailed,), callbacks=[self._ended])
        except ValueError:
            # Optuna cannot be told the end of a trial that others took for lost.
            if not lost:
                raise
            print("others took this trial for lost, and have tried its values again", flush=True)

    def _score(self, trial: Trial) -> float:
        began = time.monotonic()
        try:
            self._check_needed(trial)
            self.study.sampler = build_sampler(self.sampler, self.seed, trial.number)
            return self.objective(trial, suggest(trial, self.space))
        except TrialFailed as error:
            trial.set_user_attr(REASON, str(error))
            raise
        except (KeyboardInterrupt, *AWAY) as error:
            by = "stopped" if isinstance(error, KeyboardInterrupt) else "the storage was away"
            trial.set_user_attr(REASON, f"{by}; its values are tried again")
            self.study.enqueue_trial(trial.params)
            raise
        finally:
            with suppress(*AWAY):  # not worth the trial
                trial.set_user_attr(MINUTES, round((time.monotonic() - began) / 60, 2))

    def _check_needed(self, trial: Trial) -> None:
        """Of several workers that have begun trials at once, those of the lowest numbers go on.

        A number is given once and in order, so that all of them agree on who it is.
        """
        trials = self.study.get_trials(deepcopy=False)
        ahead = [
            each
            for each in trials
            if each.state in (TrialState.COMPLETE, TrialState.PRUNED)
            or (each.number < trial.number and not each.state.is_finished())
        ]
        if len(ahead) < self.n_trials:
            return
        if tried := trials[trial.number].system_attrs.get("fixed_params"):
            self.study.enqueue_trial(tried)  # should one of those fail
        raise TrialFailed(_NOT_NEEDED)

    def _ended(self, _: Study, trial: FrozenTrial) -> None:
        if trial.user_attrs.get(REASON) == _NOT_NEEDED:
            return
        self.failed = self.failed + 1 if trial.state.name == "FAIL" else 0
        self.after(trial)
