"""A signal that submitit hears, to put the job into Slurm's queue again."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from segkit.training.callbacks.interrupts import Interrupts
from segkit.training.checkpoints import position


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals SIGUSR2 that someone else has heard."""
    numbers = list[int]()
    before = {n: signal.getsignal(n) for n in (signal.SIGUSR2, signal.SIGCHLD)}
    signal.signal(signal.SIGUSR2, lambda number, _: numbers.append(number))
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")
@pytest.mark.slow
def test_who_queues_a_job_again_hears_of_it_after_the_checkpoint(
    run: Any, here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: list[Any]
) -> None:
    """As submitit does in a job of Slurm's."""
    plain, found = Interrupts.on_train_batch_end, list[Any]()

    def received(self: Any, trainer: Any, *rest: Any) -> None:
        if (trainer.current_epoch, rest[-1]) == (1, 1):
            signal.raise_signal(signal.SIGUSR2)
            assert heard == []
        plain(self, trainer, *rest)

    def queue_again(number: int, frame: object) -> None:
        del number, frame
        found.append(position(tmp_path / "run" / "checkpoints")[0])
        raise SystemExit(-1)

    def ended(code: int) -> None:
        raise KeyboardInterrupt(code)

    monkeypatch.setattr("os._exit", ended)
    monkeypatch.setattr(Interrupts, "on_train_batch_end", received)
    signal.signal(signal.SIGUSR2, queue_again)
    assert here(*run.arguments("dataset.batch_size=2", "hydra.run.dir=run")) == 130
    assert [(each.epoch, each.batch) for each in found] == [(1, 2)]


def test_in_a_validation_it_is_heard_at_once(heard: list[int]) -> None:
    """Which may take longer than there is time."""
    trainer: Any = SimpleNamespace(callbacks=[], training=False)
    interrupts = Interrupts(every_n_steps=0)
    interrupts.on_train_start(trainer, trainer)
    signal.raise_signal(signal.SIGUSR2)
    assert heard == [signal.SIGUSR2]
    assert interrupts.received is None
    interrupts.on_exception(trainer, trainer, KeyboardInterrupt())
    signal.raise_signal(signal.SIGUSR2)
    assert heard == [signal.SIGUSR2] * 2
