"""Slurm as a user calls it, and trainings of seconds for it."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.commands.small import SMALL

TRAIN = (sys.executable, "-m", "segkit.train")
ENDS = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL"}
PATIENCE = 900.0  # seconds, on a machine that has other things to do
# Twelve phantoms of 64 pixels, seen at 32 by a small network without batch norm.
ARGUMENTS = (
    *("dataset.count=12", "dataset.image_size=64", "dataset.size=32", "dataset.batch_size=4"),
    *("dataset.panel_count=1", "trainer=cpu", "trainer.precision=32-true", "trainer.max_epochs=2"),
    *("trainer.enable_progress_bar=false", *SMALL, "model.batch_norm=false"),
)
# Waits in each epoch, by the number of seconds that is to follow.
SLOW = (
    *("trainer.max_epochs=120", "callbacks.early_stopping.patience=120"),
    *("allow_targets=[tests.cluster.]", "+callbacks.slow._target_=tests.cluster.callbacks.Slow"),
)
# It goes on until it is ended.
LONG = (
    "trainer.max_epochs=100000",
    "callbacks.early_stopping.patience=100000",
    "schedule=constant",
)


def arguments(home: Path, *more: str) -> list[str]:
    """Of a training whose cache lies below ``home``."""
    return [*ARGUMENTS, f"dataset.cache_dir={home / 'cache'}", *more]


class Slurm:
    """A cluster whose programs are found by this environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.waits: dict[str, float] = {}  # since when, by job

    def call(
        self, *command: str, cwd: Path, more: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; what it says on both ways is in ``stdout``."""
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=cwd,
            env={**self.environment, **(more or {})},
            timeout=PATIENCE,
        )

    def start(self, *command: str, cwd: Path) -> "subprocess.Popen[str]":
        """The same, beside this process."""
        pipe: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=cwd, env=self.environment, **pipe)

    def batch(self, cwd: Path, *lines: str) -> str:
        """Queue a script; its output is ``job.log``. Gives the job's id."""
        script = cwd / "job.sbatch"
        head = ("#!/bin/bash", f"#SBATCH --output={cwd / 'job.log'} --open-mode=append")
        script.write_text("\n".join([*head, *lines, ""]), "utf-8")
        done = self.call("sbatch", "--parsable", str(script), cwd=cwd)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def states(self, job: str) -> dict[str, str]:
        """State of a job, or of each of an array, by id."""
        given = ("--array", "--states=all", "--noheader", "--format=%i|%T", f"--jobs={job}")
        found = self.call("squeue", *given, cwd=Path.cwd()).stdout
        return dict(line.strip().split("|", 1) for line in found.splitlines())

    def update(self, job: str, *settings: str) -> None:
        """Change what a job asked for, as root may."""
        # A job that is just being put back refuses it, and is asked again.
        self.call("scontrol", "update", f"jobid={job}", *settings, cwd=Path.cwd())

    def hasten(self, job: str) -> None:
        """Spare what was queued again most of the two minutes that Slurm lets it wait.

        They are for the node, which may still be ending what it ran before.
        """
        for each, state in self.states(job).items():
            if state != "PENDING":
                self.waits.pop(each, None)
            elif time.monotonic() - self.waits.setdefault(each, time.monotonic()) > 15:
                self.update(each, "StartTime=now", "TimeLimit=60")

    def ended(self, job: str) -> dict[str, str]:
        """The states in which they end."""

        def over() -> bool:
            self.hasten(job)
            states = {*self.states(job).values()}
            return bool(states) and states <= ENDS

        def still_over() -> bool:
            if not over():
                return False
            time.sleep(5)  # one that is being put back seems to have failed, for a moment
            return over()

        until(still_over, f"the end of job {job}")
        return self.states(job)


def until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.3)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    tensors: dict[str, torch.Tensor] = saved["state_dict"]
    return tensors


def same_weights(first: Path, second: Path) -> bool:
    one, other = weights(first), weights(second)
    return all(torch.equal(value, other[key]) for key, value in one.items())


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scores(folder: Path) -> list[list[str]]:
    """Of each epoch: losses and scores, without the times."""
    return [list(row.values())[:6] for row in table(folder / "metrics.csv")]


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    return found
