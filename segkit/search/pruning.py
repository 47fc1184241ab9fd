"""Reports a training to the study it is a trial of, and ends it where the study prunes it."""

from __future__ import annotations

import logging
import math
import os
from typing import TYPE_CHECKING

import lightning.pytorch as pl

from segkit.search.storage import PROCESS, PRUNED, STORAGE, build_pruner, open_storage

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

log = logging.getLogger(__name__)


class Pruning(pl.Callback):
    """After each validation, reports its score to the study, which may prune the training.

    A training that is pruned ends as by early stopping: it is tested, and its run folder is
    complete. Outside a study, as when a trial's run folder is resumed, this does nothing.

    Args:
        monitor: the score that the study is about.
        study: its name.
        trial: the number of this training in it.
        pruner: ``median`` or ``none``.
        trials: that must have finished before any is pruned.
        epochs: that each trial is given.
    """

    def __init__(
        self, *, monitor: str, study: str, trial: int, pruner: str, trials: int, epochs: int
    ) -> None:
        self.monitor = monitor
        self.name = study
        self.number = trial
        self.pruner, self.trials, self.epochs = pruner, trials, epochs
        self._found: tuple[Study, BaseStorage, int] | None = None
        self._started_by = int(os.environ.get(PROCESS, "0"))

    def _find(self) -> tuple[Study, BaseStorage, int]:
        """The study, where it lies, and this trial in it."""
        if self._found is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            storage = open_storage(os.environ[STORAGE])
            study = optuna.load_study(
                study_name=str(self.name),
                storage=storage,
                sampler=optuna.samplers.RandomSampler(0),  # draws nothing
                pruner=build_pruner(self.pruner, trials=self.trials, epochs=self.epochs),
            )
            number = storage.get_study_id_from_name(str(self.name))
            trial = storage.get_trial_id_from_study_id_trial_number(number, self.number)
            self._found = study, storage, trial
        return self._found

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the score, and end the training if it is pruned."""
        del pl_module
        if trainer.sanity_checking:
            return
        end = trainer.is_global_zero and self._given_up(trainer)
        if trainer.strategy.reduce_boolean_decision(end, all=False):
            trainer.should_stop = True

    def _given_up(self, trainer: pl.Trainer) -> bool:
        if STORAGE not in os.environ:
            return False
        if os.getppid() != self._started_by:
            log.warning("the study that started this training has ended; so does it")
            return True
        epoch = trainer.current_epoch
        value = float(trainer.callback_metrics.get(self.monitor, math.nan))
        if not math.isfinite(value):
            return False
        try:
            pruned = self._pruned(epoch, value)
        except Exception as error:
            # A database that does not answer for a moment costs a comparison, not the training.
            said = " ".join(str(error).split())
            log.warning("epoch %d could not be reported to the study: %s", epoch, said)
            return False
        if pruned:
            log.info("pruned in epoch %d: %s %.4f", epoch, self.monitor, value)
        return pruned

    def _pruned(self, epoch: int, value: float) -> bool:
        """Report a score; whether the study has no more use for this training."""
        from optuna.exceptions import UpdateFinishedTrialError

        study, storage, trial_id = self._find()
        try:
            storage.set_trial_intermediate_value(trial_id, epoch, value)
        except UpdateFinishedTrialError:
            log.warning("the study has taken this trial for lost, and tries it again; so it ends")
            return True
        if not study.pruner.prune(study, storage.get_trial(trial_id)):
            return False
        storage.set_trial_user_attr(trial_id, PRUNED, epoch)
        return True
