"""Jobs of a sweep in Slurm's queue: each is waited for until it has ended, however it ended."""

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import open_dict
from submitit.core.utils import UncompletedJobError
from submitit.slurm import slurm

from segkit.core.errors import SegkitError
from segkit.runs.begun import begun
from segkit.runs.jobs import record_failure

_LEFT = "it is no longer in the queue"
_ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"),
    *("PREEMPTED", "TIMEOUT", _LEFT),
}
_MEMORY = re.compile(r"oom.kill|out of memory|exceeded .*memory limit", re.IGNORECASE)
_MORE = {"TIMEOUT": "hydra.launcher.timeout_min=", "OUT_OF_MEMORY": "hydra.launcher.mem_gb="}


def wait_for_all() -> None:
    """Let submitit wait as :class:`SweptJob` does, from now on."""
    slurm.SlurmJob = slurm.SlurmExecutor.job_class = SweptJob  # type: ignore[misc]


class Queue(slurm.SlurmInfoWatcher):
    """States of jobs, from squeue; sacct needs a database, which not every cluster has."""

    def _make_command(self) -> list[str] | None:
        if not self._registered - self._finished:
            return None
        return ["squeue", "--me", "--array", "--states=all", "--noheader", "--format=%i|%T"]

    def read_info(self, string: bytes | str) -> dict[str, dict[str, str]]:
        """Of each job that is waited for; those that ended minutes ago have left the queue."""
        text = string if isinstance(string, str) else string.decode()
        found = dict(line.strip().split("|", 1) for line in text.splitlines())
        return {job: {"State": found.get(job, _LEFT)} for job in self._registered}

    def is_done(self, job_id: str, mode: str = "standard") -> bool:
        """Whether it has ended, and is not to be started again."""
        return self.get_state(job_id, mode) in _ENDED


class SweptJob(slurm.SlurmJob[Any]):
    """One that Slurm ended counts as one that failed: the others are waited for all the same."""

    # Slurm forgets a job five minutes after its end, unless told otherwise.
    watcher = Queue(delay_s=30)

    def results(self) -> list[Any]:
        """What each task gave back, as a launcher of Hydra's hands it on."""
        if self._sub_jobs:
            return [job.results()[0] for job in self._sub_jobs]
        if not self.task_id:
            print(f"job {self.job_id}: {self.paths.stderr}", file=sys.stderr, flush=True)
        try:
            return list(super().results())
        except UncompletedJobError:
            # One that is being put back into the queue seems to have failed, for a moment.
            self.watcher._finished.discard(self.job_id)
            told = self.paths.result_pickle.exists()
            if not told and not self.watcher.is_done(self.job_id, mode="force"):
                return self.results()
            return [self._ended()]
        except (KeyboardInterrupt, SystemExit):
            array = self.job_id.split("_")[0]
            print(
                f"Slurm keeps what it has of this sweep: scancel {array} ends it", file=sys.stderr
            )
            raise

    def _ended(self) -> JobReturn:
        launcher, given = self.submission().function, self.submission().args
        folder = _folder(launcher, *given)
        state = self.watcher.get_state(self.job_id, mode="force")
        # Of the step that ran out of memory; to Slurm the script around it has merely failed.
        if state == "FAILED" and _MEMORY.search((self.stderr() or "")[-1000:]):
            state = "OUT_OF_MEMORY"
        more = f", with more than now by {_MORE[state]}" if state in _MORE else ""
        error = SegkitError(
            f"Slurm ended job {self.job_id}: {state}",
            where=str(self.paths.stderr),
            remedy=f"the same command with resume=true and hydra.sweep.dir= resumes it{more}",
        )
        if not self.task_id:
            record_failure(folder, error)
        return JobReturn(overrides=given[0], status=JobStatus.FAILED, _return_value=error)


def _folder(launcher: Any, overrides: list[str], key: str, number: int, *_: object) -> Path:
    """Where a job puts its run, by the names that Hydra makes there."""
    del key
    config = launcher.hydra_context.config_loader.load_sweep_config(launcher.config, overrides)
    with open_dict(config.hydra):
        config.hydra.job.num = number
    HydraConfig.instance().set_config(config)
    folder = Path(str(config.hydra.sweep.dir)).absolute() / str(config.hydra.sweep.subdir)
    with suppress(OSError):
        return begun(folder, config, multirun=True) or folder
    return folder
