"""``hydra/launcher=slurm`` on a real Slurm: grids as arrays, and jobs that Slurm ends."""

import signal
from pathlib import Path

import pytest

from tests.cluster.slurm import (
    LONG,
    PATIENCE,
    SLOW,
    TRAIN,
    Slurm,
    arguments,
    same_weights,
    summary,
    table,
    until,
)

pytestmark = pytest.mark.cluster
SMALL_JOBS = (
    *("-m", "hydra/launcher=slurm", "hydra.launcher.gpus_per_node=0", "hydra.launcher.mem_gb=4"),
    *("hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=10"),
)
HUNGRY = (
    *("allow_targets=[tests.cluster.]", "hydra.sweep.dir=sweep"),
    *("+callbacks.hungry._target_=tests.cluster.callbacks.Hungry",),
)


def test_a_grid_runs_as_an_array(slurm: Slurm, tmp_path: Path) -> None:
    """Into the folder that the clock names, which is one for all jobs."""
    done = slurm.call(*TRAIN, *SMALL_JOBS, *arguments(tmp_path, "seed=0,1"), cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    [sweep] = (tmp_path / "outputs" / "sweeps").iterdir()
    rows = table(sweep / "jobs.csv")
    assert [(row["job"].rsplit("-", 1)[0], row["state"]) for row in rows] == [
        ("0-seed0", "done"),
        ("1-seed1", "done"),
    ]
    array = done.stdout.split("job ", 1)[1].split("_", 1)[0]
    assert slurm.ended(array) == {f"{array}_{k}": "COMPLETED" for k in (0, 1)}
    assert "sacct" not in done.stdout
    alone = slurm.call(*TRAIN, *arguments(tmp_path, "hydra.run.dir=alone"), cwd=tmp_path)
    assert alone.returncode == 0, alone.stdout
    assert same_weights(tmp_path / "alone", sweep / rows[0]["job"])


def test_processes_that_slurm_starts_for_each_job(slurm: Slurm, tmp_path: Path) -> None:
    two = ("trainer=ddp_cpu", "trainer.devices=2", "dataset.batch_size=2")
    given = arguments(tmp_path, *two, "hydra.launcher.tasks_per_node=2", "seed=0,1")
    done = slurm.call(*TRAIN, *SMALL_JOBS, *given, "hydra.sweep.dir=sweep", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    rows = table(tmp_path / "sweep" / "jobs.csv")
    assert [row["state"] for row in rows] == ["done", "done"]
    log = (tmp_path / "sweep" / rows[0]["job"] / "train.log").read_text("utf-8")
    assert log.count("INFO epoch 0") == 1


def test_what_the_cluster_does_not_have_is_told(slurm: Slurm, tmp_path: Path) -> None:
    given = arguments(tmp_path, "seed=0,1", "hydra.launcher.gpus_per_node=1")
    done = slurm.call(*TRAIN, *SMALL_JOBS, *given, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "error: Slurm did not take the jobs: Invalid generic resource" in done.stdout
    assert "Traceback" not in done.stdout


def test_jobs_that_slurm_ends_are_rows_and_resume(slurm: Slurm, tmp_path: Path) -> None:
    """By the time limit, for want of memory, by scancel in the training and before it."""
    command = (*TRAIN, *SMALL_JOBS, *arguments(tmp_path, *HUNGRY))
    command = (*command, "+callbacks.hungry.megabytes=0,9000,1,2", "resume=true")
    limits = ("timeout_min=60", "max_num_timeout=0", "signal_delay_s=0", "array_parallelism=3")
    ended = (*LONG, *(f"hydra.launcher.{limit}" for limit in limits))
    sweep = tmp_path / "sweep"
    with slurm.start(*command, *ended, cwd=tmp_path) as process:
        until(lambda: len([*sweep.glob("*/panels/epoch_002.png")]) == 3, "three epochs of each")
        array = _array(slurm, sweep)
        # Its time is over, as soon as Slurm looks.
        slurm.call("scontrol", "update", f"jobid={array}_0", "TimeLimit=1", cwd=tmp_path)
        for number in (3, 2):
            slurm.call("scancel", f"{array}_{number}", cwd=tmp_path)
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, out
    assert "Traceback" not in out
    rows = table(sweep / "jobs.csv")
    said = [row["error"].removeprefix(f"Slurm ended job {array}_") for row in rows]
    assert said == ["0: TIMEOUT", "1: OUT_OF_MEMORY", "2: CANCELLED", "3: CANCELLED"]
    assert {row["state"] for row in rows} == {"failed"}
    told = [(sweep / row["job"] / "error.txt").read_text("utf-8") for row in rows]
    assert "hydra.launcher.timeout_min=" in told[0]
    assert "hydra.launcher.mem_gb=" in told[1]
    epochs = max(len(table(path)) for path in sweep.glob("*/metrics.csv"))
    more = (*LONG, f"trainer.max_epochs={epochs + 1}")
    done = slurm.call(*command, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    again = table(sweep / "jobs.csv")
    assert [(row["job"], row["state"]) for row in again] == [(r["job"], "done") for r in rows]
    folders = [sweep / row["job"] for row in rows]
    assert [summary(folder)["epochs"] for folder in folders] == [epochs + 1] * 4
    # The last had not begun, and was never interrupted.
    assert all(same_weights(folders[3], folder) for folder in folders)


def test_jobs_whose_time_is_short_are_queued_again(slurm: Slurm, tmp_path: Path) -> None:
    """They resume unasked, to the weights of a run that took its time, with loader processes."""
    given = arguments(tmp_path, *SLOW, "dataset.num_workers=1")
    whole = ("+callbacks.slow.seconds=0", "hydra.run.dir=whole")
    done = slurm.call(*TRAIN, *given, *whole, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    sweep = tmp_path / "sweep"
    cut = ("+callbacks.slow.seconds=0.5", "seed=0,1", f"hydra.sweep.dir={sweep}")
    with slurm.start(*TRAIN, *SMALL_JOBS, *given, *cut, cwd=tmp_path) as process:
        until(lambda: len([*sweep.glob("*/panels/epoch_002.png")]) == 2, "three epochs of each")
        array = _array(slurm, sweep)
        slurm.call("scancel", "--signal=USR2", array, cwd=tmp_path)  # as Slurm does before the end

        def over() -> bool:
            slurm.hasten(array)
            return process.poll() is not None

        until(over, "the end of the sweep")
        out, _ = process.communicate()
    assert process.returncode == 0, out
    rows = table(sweep / "jobs.csv")
    assert [row["state"] for row in rows] == ["done", "done"]
    for said in sweep.glob(".submitit/*_[01]/*.err"):
        assert "Requeued job" in said.read_text("utf-8")
    assert same_weights(tmp_path / "whole", sweep / rows[0]["job"])


def test_what_is_left_in_the_queue_is_told(slurm: Slurm, tmp_path: Path) -> None:
    given = arguments(tmp_path, *LONG, "seed=0,1", "hydra.sweep.dir=sweep")
    with slurm.start(*TRAIN, *SMALL_JOBS, *given, cwd=tmp_path) as process:
        until(lambda: bool([*(tmp_path / "sweep").glob(".submitit/*_0/*.err")]), "a job")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    array = _array(slurm, tmp_path / "sweep")
    assert process.returncode == 130, out
    assert f"scancel {array} ends it" in out
    slurm.call("scancel", array, cwd=tmp_path)
    slurm.ended(array)


def _array(slurm: Slurm, sweep: Path) -> str:
    """The id of the only array that has written into a sweep's folder."""
    [first] = sweep.glob(".submitit/*_0")
    array = first.name.split("_")[0]
    assert slurm.states(array)
    return array
