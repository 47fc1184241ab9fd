"""Ctrl-C, SIGTERM and SIGUSR1 end a training between two steps; checkpoints within an epoch."""

import logging
import signal
import threading
from types import FrameType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import EarlyStopping

from segkit.core.run_folder import RunFolder

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
# What submitit hears shortly before a job's time is over: it puts the job into the queue again.
REQUEUE = signal.SIGUSR2
# Steps between two questions among processes: each waits for all the others' answers.
_ASK_EVERY = 10


class Stopped(Exception):  # noqa: N818  # not an error: someone asked for it
    """A training was asked to end, and has written its checkpoint.

    Args:
        by: the signal.
    """

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(by)
        self.by = by


def received(trainer: pl.Trainer) -> signal.Signals | None:
    """The signal that asked this process to end its training, if one did."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    return next((c.received for c in callbacks if isinstance(c, Interrupts) and c.received), None)


def _has_stopped(callback: EarlyStopping) -> bool:
    return callback.stopped_epoch > 0 or callback.wait_count >= max(1, callback.patience)


def _validates_after_epochs(trainer: pl.Trainer) -> bool:
    """Not between its steps, of which a checkpoint within the epoch would have to know."""
    after = trainer.val_check_batch  # None where it goes by time
    if trainer.check_val_every_n_epoch is None or after is None:
        return False
    return bool(after >= trainer.num_training_batches)


class Interrupts(pl.Callback):
    """Writes ``checkpoints/last.ckpt`` within an epoch: every N steps, and on a signal to stop.

    A signal lets the step be finished (of several processes ten at most), in a validation the
    epoch, and ends the training by :exc:`Stopped`. Ctrl-C a second time ends it at once. With
    ``trainer.val_check_interval`` a run resumes from its last whole epoch. Who else would queue
    the job again hears of it after the checkpoint, or at once where none can be written soon.

    Args:
        every_n_steps: 0 writes at the end of epochs and at signals only.
    """

    def __init__(self, *, every_n_steps: int) -> None:
        self.every_n_steps = every_n_steps
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._trainer: pl.Trainer | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to signals; end at once what early stopping had ended before."""
        del pl_module
        self._trainer = trainer
        if threading.current_thread() is threading.main_thread():
            # What a shell lets the run ignore (nohup, a job in the background) stays ignored.
            heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
            heard += [REQUEUE] if callable(signal.getsignal(REQUEUE)) else []
            self._before = {number: signal.signal(number, self._hear) for number in heard}
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, EarlyStopping) and _has_stopped(callback):
                # The checkpoint was written, and then the run was killed before it could end.
                trainer.should_stop = True

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.received == signal.SIGINT == number:
            signal.default_int_handler(number, frame)
        if number == REQUEUE and not self._saves_soon():
            self._before[REQUEUE](number, frame)
            return
        if self.received is None:
            log.warning(
                "%s: stopping after this step; Ctrl-C again stops at once",
                signal.Signals(number).name,
            )
        if self.received != REQUEUE:  # a SIGTERM may come with it, and whoever queues is to hear it
            self.received = signal.Signals(number)

    def _saves_soon(self) -> bool:
        """Whether the next step ends with a checkpoint, if it is to."""
        trainer = self._trainer
        return trainer is not None and trainer.training and _validates_after_epochs(trainer)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write the checkpoint if it is time to, and end if told to.

        Raises:
            Stopped: a signal came.
        """
        del pl_module, outputs, batch, batch_idx
        steps = trainer.fit_loop.epoch_loop
        if steps._should_accumulate() or steps._is_training_done:
            return  # half a step; or the whole epoch, whose own checkpoint comes next
        received = self._received_by_any(trainer)
        due = self.every_n_steps and trainer.global_step % self.every_n_steps == 0
        if (received or due) and _validates_after_epochs(trainer):
            trainer.save_checkpoint(RunFolder(trainer.default_root_dir).last)
        if received:
            raise Stopped(received)

    def _received_by_any(self, trainer: pl.Trainer) -> signal.Signals | None:
        """The signal that this process or another one was sent."""
        if trainer.world_size == 1:
            return self.received
        if trainer.global_step % _ASK_EVERY:
            return None
        heard = trainer.strategy.reduce_boolean_decision(self.received is not None, all=False)
        return (self.received or signal.SIGTERM) if heard else None

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A signal in the last step or in the validation: the epoch is whole, so end after it."""
        del pl_module
        heard = self.received is not None
        if trainer.strategy.reduce_boolean_decision(heard, all=False):
            self.received = self.received or signal.SIGTERM
            trainer.should_stop = True

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Listen no more."""
        del pl_module, stage
        self.on_exception(trainer)

    def on_exception(self, trainer: pl.Trainer, *_: object) -> None:
        """The same, of a training that did not come to its end."""
        del trainer
        self._trainer = None
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}
