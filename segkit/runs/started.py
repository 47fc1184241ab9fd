"""Which processes were started together, and whether the Trainer counts on as many.

Every command reads this before it knows what it is to do: nothing slow is imported.
"""

import os
import re
import socket

from omegaconf import DictConfig, OmegaConf

from segkit.core.errors import SegkitError
from segkit.runs.call import Call


def process_name() -> str:
    """Which of several processes this is, in words; empty for the first, or the only one."""
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"):
        if name in os.environ:
            number = os.environ[name]
            node = os.environ.get("NODE_RANK", "0") if name == "LOCAL_RANK" else "0"
            if number == node == "0":
                return ""
            return f"process {number}" + (f" of node {node}" if node != "0" else "")
    return ""


def started_outside() -> int:
    """How many processes torchrun or srun has started together; 1 where neither did."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ.get("WORLD_SIZE", "1"))
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))


def queued_again() -> bool:
    """Whether this job of Slurm's has run before, and was put back into the queue."""
    return os.environ.get("SLURM_RESTART_COUNT", "0") != "0"


def started_on() -> int | None:
    """On how many machines srun has started them; None where nothing tells."""
    by_srun = "TORCHELASTIC_RUN_ID" not in os.environ and started_outside() > 1
    nodes = os.environ.get("SLURM_STEP_NUM_NODES") if by_srun else None
    return int(nodes) if nodes else None


def check_launch(config: DictConfig, call: Call) -> None:
    """Refuse processes that torchrun or srun started and the configuration does not count on.

    Each would train alone, into the same folder.

    Raises:
        SegkitError: another number, or a run folder that each would name by its own clock.
    """
    started, trainer = started_outside(), config.get("trainer")
    if not isinstance(trainer, DictConfig):
        return
    nodes = trainer.get("num_nodes", 1)
    if started == 1:
        _check_alone(nodes)
        return
    if "study" in config:
        raise SegkitError(
            f"{started} processes were started together, and a worker of a study is one",
            where="srun, torchrun",
            remedy="start each worker as a job or step of its own: sbatch --array=0-3, or srun "
            "--ntasks=1, with the same study= and storage=",
        )
    check_count(_devices(trainer), nodes)
    _check_address()
    new = "resume" in config and config.resume in (None, True, False)  # true: in its own folder
    if new and not call.chosen_by_user:
        raise SegkitError(
            f"each of {started} processes would name the run folder by its own clock",
            where="hydra.run.dir",
            remedy="give all of them the same one, on a disk that they share: hydra.run.dir=PATH",
        )


def check_count(devices: int | None, nodes: object) -> None:
    """Compare what torchrun or srun has started with what the Trainer counts on.

    Args:
        devices: processes of a machine; None where that depends on the machine.
        nodes: machines.

    Raises:
        SegkitError: they differ.
    """
    if not isinstance(nodes, int):
        return
    started, machines = started_outside(), started_on() or nodes
    if machines == nodes and (devices is None or devices * nodes == started):
        return
    counted = "others" if devices is None else str(devices * nodes)
    on = ""
    if machines != nodes:
        on, counted = f" on {machines} machines", f"{counted} on {nodes}"
    raise SegkitError(
        f"{started} processes were started together{on}, and the Trainer counts on {counted}",
        where=f"trainer.devices={devices or 'auto'}, trainer.num_nodes={nodes}",
        remedy="set trainer=ddp, trainer.devices to the processes of a machine, and "
        "trainer.num_nodes to the machines",
    )


def _check_alone(nodes: object) -> None:
    """Refuse to wait for machines on which nothing has been started."""
    told = {"MASTER_ADDR", "NODE_RANK"} & {*os.environ}  # each machine by hand
    if isinstance(nodes, int) and nodes > 1 and not told:
        raise SegkitError(
            f"the Trainer counts on {nodes} machines, and this process was started alone",
            where=f"trainer.num_nodes={nodes}",
            remedy="start the processes of all machines by srun or torchrun: see docs/clusters.md",
        )


def first_machine() -> str:
    """Where srun's first task runs; on one machine its name need not be known."""
    if started_on() == 1:
        return "127.0.0.1"
    names = os.environ.get("SLURM_STEP_NODELIST", "")
    return re.sub(r"\[(\w+).*", r"\1", names.split(",")[0])


def _check_address() -> None:
    """Find that machine by its name, as all the others will."""
    if "MASTER_ADDR" in os.environ or started_on() is None:
        return
    try:
        socket.getaddrinfo(first_machine(), None)
    except OSError as error:
        raise SegkitError(
            f"the first machine of this job has no address: {error.strerror}",
            where=f"{first_machine()}, as Slurm calls it",
            remedy="export MASTER_ADDR=ADDRESS before srun, of the machine where task 0 runs",
        ) from error


def _devices(trainer: DictConfig) -> int | None:
    """How many processes a machine is to have; None where that depends on the machine."""
    devices = OmegaConf.to_container(trainer).get("devices")  # type: ignore[union-attr]
    if isinstance(devices, list):
        return len(devices)
    if str(devices) == "auto":
        return 1 if trainer.get("accelerator") == "cpu" else None
    return int(str(devices)) if str(devices).isdecimal() else None
