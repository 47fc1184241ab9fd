"""Trainings as jobs of a real Slurm, by srun and sbatch."""

import shlex
import time
from pathlib import Path

import pytest

from tests.cluster.slurm import (
    SLOW,
    TRAIN,
    Slurm,
    arguments,
    same_weights,
    scores,
    summary,
    table,
    until,
)

pytestmark = pytest.mark.cluster
SHARED = ("trainer=ddp_cpu", "dataset.batch_size=2", "loss.per_image=true")
TWO, EACH = (*SHARED, "trainer.devices=2"), (*SHARED, "trainer.devices=1", "trainer.num_nodes=2")


@pytest.fixture(scope="module")
def alone(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by one process, with as many images a step as two others take."""
    home = tmp_path_factory.mktemp("alone")
    done = slurm.call(
        *TRAIN, *arguments(home, "loss.per_image=true", "hydra.run.dir=run"), cwd=home
    )
    assert done.returncode == 0, done.stdout
    return home / "run"


@pytest.mark.parametrize(
    ("launch", "given"),
    [
        (("srun", "--ntasks=2"), TWO),
        (("srun", "--ntasks-per-node=2"), TWO),
        (("srun", "--nodes=2", "--ntasks=2"), EACH),
        # One task, which starts the other process itself; and what is started by torchrun.
        (("srun", "--ntasks=1"), TWO),
        (("srun", "--ntasks=1", "torchrun"), TWO),
    ],
    ids=["tasks", "tasks per node", "nodes", "one task", "torchrun"],
)
def test_two_processes_train_as_one(
    slurm: Slurm, alone: Path, tmp_path: Path, launch: tuple[str, ...], given: tuple[str, ...]
) -> None:
    command = list(TRAIN)
    if launch[-1] == "torchrun":
        launch = launch[:-1]
        command[1:1] = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    trained = arguments(alone.parent, *given, "hydra.run.dir=run")
    # The nodes are this machine, which does not know itself by their names.
    more = {"MASTER_ADDR": "127.0.0.1"} if given == EACH else {}
    done = slurm.call(*launch, *command, *trained, cwd=tmp_path, more=more)
    assert done.returncode == 0, done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert done.stdout.count("epoch 0  loss") == 1
    for mine, others in zip(scores(tmp_path / "run"), scores(alone), strict=True):
        assert [float(x) for x in mine] == pytest.approx([float(x) for x in others], rel=1e-4)
    tables = [table(run / "evaluation_per_image.csv") for run in (tmp_path / "run", alone)]
    assert tables[0] == tables[1]


def test_names_that_the_network_does_not_know_are_told(slurm: Slurm, tmp_path: Path) -> None:
    given = arguments(tmp_path, *EACH, "hydra.run.dir=run")
    done = slurm.call("srun", "--nodes=2", "--ntasks=2", *TRAIN, *given, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "where: node1, as Slurm calls it" in done.stdout
    assert "export MASTER_ADDR=" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_steps_of_one_job_side_by_side(slurm: Slurm, alone: Path, tmp_path: Path) -> None:
    trained = shlex.join([*TRAIN, *arguments(alone.parent, *TWO)])
    step = f"srun --exact --mem=8G --ntasks=2 {trained}"
    job = slurm.batch(
        tmp_path,
        "#SBATCH --ntasks=4 --nodes=1 --mem=16G",
        f"{step} hydra.run.dir=one & {step} hydra.run.dir=two & wait",
    )
    assert {*slurm.ended(job).values()} == {"COMPLETED"}, (tmp_path / "job.log").read_text("utf-8")
    assert scores(tmp_path / "one") == scores(tmp_path / "two")


def test_jobs_of_an_array_that_start_in_the_same_second(slurm: Slurm, tmp_path: Path) -> None:
    """Into folders that the clock names, two with one configuration, and no cache before."""
    trained = shlex.join([*TRAIN, *arguments(tmp_path)])
    job = slurm.batch(
        tmp_path,
        "#SBATCH --array=0-2 --mem=4G",
        f"srun {trained} seed=$((SLURM_ARRAY_TASK_ID / 2))",
    )
    states = slurm.ended(job)
    assert [*states.values()] == ["COMPLETED"] * 3, (tmp_path / "job.log").read_text("utf-8")
    folders = sorted((tmp_path / "outputs").glob("*/*/*"))
    assert len(folders) == 3
    runs = {folder.name: summary(folder)["test"] for folder in folders}
    assert len({str(test) for test in runs.values()}) == 2


def test_a_signal_before_the_limit_and_in_the_queue_again(slurm: Slurm, tmp_path: Path) -> None:
    """As docs/clusters.md has it, to the weights of a run that was never stopped."""
    given = arguments(tmp_path, *SLOW)
    whole = slurm.call(
        *TRAIN, *given, "+callbacks.slow.seconds=0", "hydra.run.dir=whole", cwd=tmp_path
    )
    assert whole.returncode == 0, whole.stdout
    trained = shlex.join([*TRAIN, *given, "+callbacks.slow.seconds=0.5", "resume=true"])
    begun = time.monotonic()
    job = slurm.batch(
        tmp_path,
        "#SBATCH --signal=USR1@60 --requeue --time=60 --mem=4G",
        f"srun {trained} hydra.run.dir=halves",
        "code=$?; [ $code -ne 138 ] || scontrol requeue $SLURM_JOB_ID",
        "exit $code",
    )
    until((tmp_path / "halves/panels/epoch_002.png").exists, "three epochs")
    # Which ends in one to two minutes: in a moment the signal is due.
    slurm.update(job, f"TimeLimit={int((time.monotonic() - begun) / 60) + 2}")
    assert {*slurm.ended(job).values()} == {"COMPLETED"}, (tmp_path / "job.log").read_text("utf-8")
    log = (tmp_path / "job.log").read_text("utf-8")
    assert "stopped by SIGUSR1, checkpoint written" in log
    assert "done before" not in log
    assert same_weights(tmp_path / "whole", tmp_path / "halves")
    assert scores(tmp_path / "whole") == scores(tmp_path / "halves")
    assert summary(tmp_path / "whole")["test"] == summary(tmp_path / "halves")["test"]
