"""Processes that torchrun or SLURM starts: two machines, played by this one (gloo, CPU)."""

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1")
TRAIN = ("-m", "segkit.train")
# Each of two machines has one process; no batch norm, and a small network.
TWO_MACHINES = (
    *("trainer=ddp_cpu", "trainer.num_nodes=2", "trainer.devices=1", "dataset.batch_size=2"),
    *("model=unet_classic", "model.batch_norm=false", "model.n_filters=4"),
)
ONE_MACHINE = ("trainer.num_nodes=1", "trainer.devices=2")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def together(
    run: Any, commands: Sequence[Sequence[str]], more: Sequence[dict[str, str]], cwd: Path
) -> list[tuple[int, str]]:
    """Exit code and all output of commands that run at the same time."""
    processes = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env={**run.environment(), **given},
        )
        for command, given in zip(commands, more, strict=True)
    ]
    ends = []
    deadline = time.monotonic() + 200
    try:
        for process in processes:
            out, _ = process.communicate(timeout=max(1.0, deadline - time.monotonic()))
            ends.append((process.returncode, out))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return ends


def torchrun(run: Any, cwd: Path, given: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """The command on two machines, with arguments for each."""
    where = f"--rdzv-endpoint=127.0.0.1:{free_port()}"
    launcher = (*TORCHRUN, "--rdzv-backend=c10d", where)
    trained = (*TRAIN, *run.arguments(), *TWO_MACHINES)
    commands = [
        [*launcher, f"--node-rank={node}", *trained, *arguments]
        for node, arguments in enumerate(given)
    ]
    return together(run, commands, [{}, {}], cwd)


def slurm(task: int, port: int) -> dict[str, str]:
    """What srun tells a task, of those that are read."""
    return {
        "SLURM_JOB_ID": "1234",
        "SLURM_JOB_NAME": "segkit",
        "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_NNODES": "2",
        "SLURM_NODELIST": "localhost",
        "SLURM_PROCID": str(task),
        "SLURM_LOCALID": "0",
        "SLURM_NODEID": str(task),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def scores(run: Any, folder: Path) -> list[list[str]]:
    """Of each epoch: losses and scores, without the times."""
    return [list(row.values())[:6] for row in run.rows(folder)]


@pytest.fixture(scope="module")
def one_machine(run: Any, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The scores of two processes on one machine."""
    cwd = tmp_path_factory.mktemp("machine")
    given = [*run.arguments(), *TWO_MACHINES, *ONE_MACHINE, "hydra.run.dir=run"]
    [(code, out)] = together(run, [[sys.executable, *TRAIN, *given]], [{}], cwd)
    assert code == 0, out
    return scores(run, cwd / "run")


@pytest.mark.slow
def test_two_machines_of_torchrun(run: Any, one_machine: Any, tmp_path: Path) -> None:
    ends = torchrun(run, tmp_path, [["hydra.run.dir=run"]] * 2)
    assert [code for code, _ in ends] == [0, 0], ends
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert scores(run, tmp_path / "run") == one_machine
    names = ("config.yaml", "split.csv", "summary.json", "report.html", "checkpoints/best.ckpt")
    for name in names:
        assert (tmp_path / "run" / name).is_file(), name
    log = (tmp_path / "run" / "train.log").read_text("utf-8")
    assert log.count("INFO epoch 0") == 1


@pytest.mark.slow
def test_two_tasks_of_srun(run: Any, one_machine: Any, tmp_path: Path) -> None:
    port = free_port()
    given = [sys.executable, *TRAIN, *run.arguments(), *TWO_MACHINES, "hydra.run.dir=run"]
    ends = together(run, [given] * 2, [slurm(task, port) for task in (0, 1)], tmp_path)
    assert [code for code, _ in ends] == [0, 0], ends
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert scores(run, tmp_path / "run") == one_machine


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["trainer=cpu"], "2 processes were started together, and the Trainer counts on 1"),
        (
            ["trainer=ddp_cpu", "trainer.num_nodes=2"],
            "2 processes were started together, and the Trainer counts on 4",
        ),
        (["trainer=ddp_cpu"], "would name the run folder by its own clock"),
    ],
)
@pytest.mark.parametrize("launcher", ["torchrun", "srun"])
def test_a_wrong_launch_is_told(
    run: Any, tmp_path: Path, launcher: str, given: list[str], said: str
) -> None:
    told = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}
    if launcher == "srun":
        told = slurm(1, 1)
    command = [sys.executable, *TRAIN, *given]
    [(code, out)] = together(run, [command], [told], tmp_path)
    assert code == 2
    assert "error in process 1: " in out
    assert said in out
    assert list(tmp_path.rglob("*.log")) == []


@pytest.mark.slow
def test_machines_of_two_run_folders_are_told(run: Any, tmp_path: Path) -> None:
    ends = torchrun(run, tmp_path, [["hydra.run.dir=one"], ["hydra.run.dir=two"]])
    assert all(code != 0 for code, _ in ends)
    assert "the processes have run folders of their own" in "".join(out for _, out in ends)
