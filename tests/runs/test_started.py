"""Which of several processes this is, and whether they were started as they are counted on."""

from pathlib import Path
from typing import Any

import pytest
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.lsf import LSFEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from omegaconf import OmegaConf

from segkit.core.errors import SegkitError
from segkit.runs.call import Call
from segkit.runs.processes import SlurmTasks, process_environment
from segkit.runs.started import check_count, check_launch, process_name, started_outside

TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}
SRUN = {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}
NODES = ("SLURM_STEP_NUM_NODES", "SLURM_STEP_NODELIST", "SLURM_JOB_ID", "SLURM_STEP_ID")
ADDRESS = ("MASTER_ADDR", "MASTER_PORT")
RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
NAMES = (*RANKS, *TORCHRUN, *SRUN, *NODES, *ADDRESS)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def started(monkeypatch: pytest.MonkeyPatch, told: dict[str, str]) -> None:
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({}, ""),
        ({"LOCAL_RANK": "0"}, ""),
        ({"LOCAL_RANK": "1", "NODE_RANK": "0"}, "process 1"),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, "process 0 of node 1"),
        ({"RANK": "0", "SLURM_PROCID": "1"}, ""),
        ({"RANK": "3", "LOCAL_RANK": "0"}, "process 3"),
        ({"SLURM_PROCID": "2"}, "process 2"),
        # One task, whose Trainer starts the other processes itself.
        ({"LOCAL_RANK": "1", "SLURM_PROCID": "0"}, "process 1"),
    ],
)
def test_a_process_knows_which_it_is(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], name: str
) -> None:
    started(monkeypatch, told)
    assert process_name() == name


def config(resume: object = None, **trainer: object) -> Any:
    known = {"accelerator": "cpu", "devices": 2, "num_nodes": 1, **trainer}
    return OmegaConf.create({"trainer": known, "resume": resume})


CLOCK = Call(Path("outputs"))
NAMED = Call(Path("here"), chosen_by_user=True)


@pytest.mark.parametrize("told", [TORCHRUN, SRUN], ids=["torchrun", "srun"])
@pytest.mark.parametrize(
    "trainer",
    [
        {"devices": 2},
        {"devices": [0, 1]},
        {"devices": "2"},
        {"devices": 1, "num_nodes": 2},
        {"devices": "auto", "accelerator": "gpu"},
        {"devices": -1, "accelerator": "gpu"},
    ],
    ids=str,
)
def test_launches_that_are_counted_on(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], trainer: dict[str, object]
) -> None:
    started(monkeypatch, told)
    assert started_outside() == 2
    check_launch(config(**trainer), NAMED)
    check_launch(config(resume="there", **trainer), CLOCK)


@pytest.mark.parametrize(
    ("trainer", "counted"),
    [({"devices": 1}, 1), ({"devices": "auto"}, 1), ({"devices": 2, "num_nodes": 2}, 4)],
)
def test_another_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, trainer: dict[str, object], counted: int
) -> None:
    started(monkeypatch, TORCHRUN)
    with pytest.raises(SegkitError, match=f"2 processes were started .* counts on {counted}"):
        check_launch(config(**trainer), NAMED)


@pytest.mark.parametrize("resume", [None, True])
def test_a_run_folder_named_by_the_clock_is_refused(
    monkeypatch: pytest.MonkeyPatch, resume: object
) -> None:
    started(monkeypatch, TORCHRUN)
    with pytest.raises(SegkitError, match="by its own clock"):
        check_launch(config(resume), CLOCK)


def test_one_process_may_do_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    # A batch script of SLURM has tasks to give out, and is none of them.
    started(monkeypatch, {"SLURM_NTASKS": "2", "SLURM_PROCID": "0"})
    assert started_outside() == 1
    check_launch(config(devices=1), CLOCK)


def on_machines(nodes: str, names: str) -> dict[str, str]:
    return {**SRUN, "SLURM_STEP_NUM_NODES": nodes, "SLURM_STEP_NODELIST": names}


def test_another_number_of_machines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    started(monkeypatch, on_machines("2", "node[1-2]"))
    said = "2 processes were started together on 2 machines, .* counts on 2 on 1"
    with pytest.raises(SegkitError, match=said):
        check_launch(config(devices=2), NAMED)
    with pytest.raises(SegkitError, match="counts on others on 1"):
        check_count(None, 1)
    check_count(1, 2)


def test_machines_on_which_nothing_was_started_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # In a batch script of two tasks, without srun.
    started(monkeypatch, {"SLURM_NTASKS": "2", "SLURM_PROCID": "0"})
    with pytest.raises(SegkitError, match="counts on 2 machines, and this process was started"):
        check_launch(config(num_nodes=2), NAMED)
    monkeypatch.setenv("NODE_RANK", "0")
    check_launch(config(num_nodes=2), NAMED)


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ("nowhere[01-03,7].invalid", "nowhere01"),
        ("nowhere[5,8]", "nowhere5"),
        ("nowhere-a,nowhere-b", "nowhere-a"),
        ("nowhere-a3-[07-09],other[1-2]", "nowhere-a3-07"),
    ],
)
def test_a_first_machine_without_an_address_is_told(
    monkeypatch: pytest.MonkeyPatch, names: str, first: str
) -> None:
    started(monkeypatch, on_machines("2", names))

    def unknown(name: str, _: object) -> None:
        assert name == first
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(SegkitError, match="has no address: Name or service") as told:
        check_launch(config(devices=1, num_nodes=2), NAMED)
    assert told.value.where == f"{first}, as Slurm calls it"
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    check_launch(config(devices=1, num_nodes=2), NAMED)


def test_the_trainer_is_told_who_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for told, expected in (
        ({}, LightningEnvironment),
        # A batch script without srun, and an srun of one task.
        ({"SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"}, LightningEnvironment),
        ({"SLURM_NTASKS": "1", "SLURM_STEP_NUM_TASKS": "1"}, LightningEnvironment),
        ({**TORCHRUN, "RANK": "0"}, TorchElasticEnvironment),
        # No task of srun's, but started by one.
        ({**TORCHRUN, **SRUN, "RANK": "0"}, TorchElasticEnvironment),
        (on_machines("1", "node1"), SlurmTasks),
    ):
        with monkeypatch.context() as patch:
            started(patch, told)
            assert type(process_environment()) is expected


@pytest.mark.parametrize("told", [TORCHRUN, SRUN], ids=["torchrun", "srun"])
def test_workers_of_a_study_are_started_one_by_one(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    study = config(devices=2)
    study.study = "mine"
    check_launch(study, NAMED)
    started(monkeypatch, told)
    with pytest.raises(SegkitError, match="a worker of a study is one"):
        check_launch(study, NAMED)


def test_other_launchers_are_found_as_the_trainer_finds_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("login\nnode1\nnode1\n", "utf-8")
    told = {"LSB_JOBID": "1", "LSB_DJOB_RANKFILE": str(hosts), "JSM_NAMESPACE_LOCAL_RANK": "1"}
    started(monkeypatch, {**told, "JSM_NAMESPACE_SIZE": "2", "JSM_NAMESPACE_RANK": "1"})
    monkeypatch.setattr("socket.gethostname", lambda: "node1")
    assert type(process_environment()) is LSFEnvironment


def test_steps_of_a_job_have_ports_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = set()
    for job, step in (("71", "0"), ("71", "1"), ("72", "0"), ("10071", "0")):
        with monkeypatch.context() as patch:
            told = {**on_machines("1", "node1"), "SLURM_JOB_ID": job, "SLURM_STEP_ID": step}
            for name in ADDRESS:  # which it puts into the environment
                patch.setenv(name, "")
                patch.delenv(name)
            started(patch, told)
            tasks = SlurmTasks()
            ports.add(tasks.main_port)
            assert tasks.main_address == "127.0.0.1"
            assert tasks.main_port == tasks.main_port
    assert len(ports) == 4
    assert all(15_000 <= port < 32_768 for port in ports)
