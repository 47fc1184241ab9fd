"""A worker of a study: draws a trial, runs it, and says how it ended."""

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from optuna import Study, Trial, TrialPruned
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages._heartbeat import get_heartbeat_thread
from optuna.trial import FrozenTrial, TrialState

from segkit.search.backends import AWAY
from segkit.search.space import Scalar, Space, suggest
from segkit.search.storage import MINUTES, REASON
from segkit.search.trial import TrialFailed

_LOST = "others took this trial for lost, and have tried its values again"
_NOT_NEEDED = "not needed: others run the last trials"

# A trial's number and values in, its score out; TrialFailed and TrialPruned for other ends.
Objective = Callable[[Trial, Mapping[str, Scalar]], float]


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


@dataclass
class Worker:
    """Runs trials of a study that others may work on at the same time.

    Attributes:
        study: as ``open_study`` gives it.
        objective: a score for values.
        space: to draw them from.
        sampler: ``tpe`` or ``random``.
        seed: of the draws.
        n_trials: that are to finish, over all workers.
        after: called with each trial when it has ended.
        failed: trials in a row.
        untold: the trial that has ended and is not noted yet, how it ended, and its score.
    """

    study: Study
    objective: Objective
    space: Space
    sampler: str
    seed: int
    n_trials: int
    after: Callable[[FrozenTrial], None]
    failed: int = 0
    untold: tuple[Trial, TrialState, float | None] | None = None

    def run_trial(self) -> None:
        """Run one, or find that it is one too many.

        Not by Optuna's ``optimize``, which replaces the error of a storage that breaks off while
        the end of a trial is noted.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # its heart beats below
            trial = self.study.ask()
        try:
            with get_heartbeat_thread(trial._trial_id, self.study._storage):
                self.untold = trial, *self._score(trial)
        except UpdateFinishedTrialError:
            print(_LOST, flush=True)
        self.tell()

    def tell(self) -> None:
        """Note how the last trial has ended, where that is not done; once more where it broke off.

        Raises:
            OptunaError, SQLAlchemyError: it has broken off.
        """
        if self.untold is None:
            return
        trial, state, score = self.untold
        ended = None
        with suppress(UpdateFinishedTrialError):
            ended = self.study.tell(trial, score, state, skip_if_finished=True)
        self.untold = None
        if ended is None or ended.state != state:
            print(_LOST, flush=True)
        elif ended.user_attrs.get(REASON) != _NOT_NEEDED:
            self.failed = self.failed + 1 if state is TrialState.FAIL else 0
            self.after(ended)

    def _score(self, trial: Trial) -> tuple[TrialState, float | None]:
        """How a trial ended, and its score if it is complete."""
        began = time.monotonic()
        try:
            self._check_needed(trial)
            self.study.sampler = build_sampler(self.sampler, self.seed, trial.number)
            state, score = TrialState.COMPLETE, self.objective(trial, suggest(trial, self.space))
        except TrialPruned:
            state, score = TrialState.PRUNED, None
        except TrialFailed as error:
            state, score = TrialState.FAIL, None
            with suppress(*AWAY):
                trial.set_user_attr(REASON, str(error))
        except UpdateFinishedTrialError:
            raise
        except (KeyboardInterrupt, Exception) as error:
            self._cut_off(trial, error)
            raise
        with suppress(*AWAY):  # not worth the trial
            trial.set_user_attr(MINUTES, round((time.monotonic() - began) / 60, 2))
        return state, score

    def _cut_off(self, trial: Trial, error: BaseException) -> None:
        """Fail a trial; its values come next where the error says nothing against them.

        Whatever its storage says to that, the error is what counts.
        """
        with suppress(UpdateFinishedTrialError, *AWAY):
            if isinstance(error, (KeyboardInterrupt, *AWAY)):
                by = "stopped" if isinstance(error, KeyboardInterrupt) else "the storage was away"
                trial.set_user_attr(REASON, f"{by}; its values are tried again")
                self.study.enqueue_trial(trial.params)
            self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

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
