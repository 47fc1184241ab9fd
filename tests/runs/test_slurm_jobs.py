"""What is in Slurm's queue, and when a job has ended."""

import inspect
import os
from pathlib import Path

import pytest
from submitit.slurm import slurm

from segkit.runs.slurm_jobs import Queue, SweptJob, wait_for_all

STATES = ("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "TIMEOUT", "CANCELLED")


def test_states_of_an_array_as_squeue_tells_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of Slurm 22.05, and a job that ended too long ago to be in the queue."""
    lines = [f"7_{number}|{state}" for number, state in enumerate(STATES)]
    squeue = tmp_path / "squeue"
    squeue.write_text(
        "\n".join(["#!/bin/sh", "cat <<END", *lines, "8|RUNNING", "END", ""]), "utf-8"
    )
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    queue = Queue(delay_s=60)
    jobs = [f"7_{number}" for number in range(len(STATES) + 1)]
    for job in jobs:
        queue.register_job(job)
    found = [queue.get_state(job) for job in jobs]
    assert found == [*STATES, "it is no longer in the queue"]
    assert [queue.is_done(job) for job in jobs] == [False] * 5 + [True] * 3
    assert queue.num_calls == 1


def test_submitit_waits_so_for_all_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "SlurmJob", slurm.SlurmJob)
    monkeypatch.setattr(slurm.SlurmExecutor, "job_class", slurm.SlurmExecutor.job_class)
    wait_for_all()
    assert slurm.SlurmJob is slurm.SlurmExecutor.job_class is SweptJob
    # Of an array it is called by its name, else as the class of the executor's jobs.
    assert " SlurmJob(" in inspect.getsource(slurm.SlurmExecutor._internal_process_submissions)
