"""Which of several processes this is, and whether they were started as they are counted on."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from segkit.core.errors import SegkitError
from segkit.runs.call import Call
from segkit.runs.started import check_launch, process_name, started_outside

TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}
SRUN = {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}
NAMES = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", *TORCHRUN, *SRUN)


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
