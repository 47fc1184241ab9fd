"""Sweeps whose jobs Slurm runs are waited for in segkit's own way."""

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class WaitForSlurm(Callback):
    """Before the first job, where Slurm launches them: submitit may not be installed elsewhere."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Let each job be waited for, however it ends."""
        del kwargs
        if str(config.hydra.launcher.get("_target_")).endswith(".SlurmLauncher"):
            from segkit.runs.slurm_jobs import wait_for_all

            wait_for_all()
