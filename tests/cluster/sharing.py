"""Four workers on one study, and what must hold for it however they and its storage fared."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optuna import load_study
from optuna.trial import FrozenTrial

from segkit.search.backends import Database
from segkit.search.storage import open_storage

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def start(address: str, n_trials: int, said: Path) -> "subprocess.Popen[bytes]":
    """A worker of :mod:`tests.cluster.workers`; what it says goes into a file."""
    command = [sys.executable, "-m", "tests.cluster.workers", address, str(n_trials)]
    with said.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env=environment())


def until(done: Callable[[], Any], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


def trials_of(address: str, name: str = "shared") -> list[FrozenTrial]:
    storage = open_storage(address)
    try:
        return load_study(study_name=name, storage=storage).get_trials()
    finally:
        if isinstance(storage, Database):
            storage.engine.dispose()


def check_whole(trials: list[FrozenTrial], n_trials: int) -> None:
    """Exactly so many have finished, none of them twice, and none is left running."""
    states = Counter(trial.state.name for trial in trials)
    assert states["COMPLETE"] + states["PRUNED"] == n_trials, states
    assert states["RUNNING"] == 0, states
    drawn = [tuple(trial.params.values()) for trial in trials if trial.state.name == "COMPLETE"]
    assert len(set(drawn)) == len(drawn)
    assert [trial.number for trial in trials] == list(range(len(trials)))
