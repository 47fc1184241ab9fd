"""Who has started the processes that train together, as the Trainer is told."""

import os

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.lsf import LSFEnvironment
from lightning.fabric.plugins.environments.mpi import MPIEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from segkit.runs.started import check_count, first_machine, started_outside

_FIRST_PORT, _PORTS = 15_000, 15_000  # below those that Linux gives to connections


class SlurmTasks(SLURMEnvironment):
    """The tasks of one ``srun``, however it was told their number.

    Lightning's own takes ``--ntasks-per-node`` alone, and one port for all steps of a job. Its
    answer to signals would save between any two instructions, and requeue by itself.
    """

    def __init__(self) -> None:
        super().__init__(auto_requeue=False)

    @staticmethod
    def _validate_srun_variables() -> None:
        """The number of tasks has been compared with what the Trainer counts on."""

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        """Where the devices were the machine's to say, their number is known now."""
        check_count(num_devices, num_nodes)

    @property
    def main_address(self) -> str:
        """Where the first task runs, unless the user says otherwise."""
        return os.environ.setdefault("MASTER_ADDR", first_machine())

    @property
    def main_port(self) -> int:
        """Of this step alone: others may run on the same machine."""
        job, number = (int(os.environ.get(f"SLURM_{name}", "0")) for name in ("JOB_ID", "STEP_ID"))
        step = job + 4999 * number
        return int(os.environ.setdefault("MASTER_PORT", str(_FIRST_PORT + step % _PORTS)))


def process_environment() -> ClusterEnvironment:
    """What torchrun or srun started, as ``started_outside`` counts it; else the Trainer's own.

    Lightning takes a process for one of Slurm's tasks wherever there is a job of Slurm's: in a
    batch script without srun too, and in an srun of one task that is to start others itself.
    """
    if TorchElasticEnvironment.detect():  # srun may have started torchrun
        return TorchElasticEnvironment()
    if started_outside() > 1:
        return SlurmTasks()
    others = (LSFEnvironment, MPIEnvironment)
    return next((each() for each in others if each.detect()), LightningEnvironment())
