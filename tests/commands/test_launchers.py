"""Hydra's launchers: jobs of a sweep beside each other, in processes that are not this command."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import submitit
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"
Call = Callable[..., CompletedProcess[str]]
LAUNCHERS = {
    "joblib": ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
    "submitit": ("hydra/launcher=submitit_local",),
}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_jobs_beside_each_other(run: Any, call: Call, tmp_path: Path, launcher: str) -> None:
    given = ("-m", *LAUNCHERS[launcher], "seed=0,1", "hydra.sweep.dir=both")
    done = call(*run.arguments(*given), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    folders = sorted((tmp_path / "both").glob("[01]-seed[01]-*"))
    assert len(folders) == 2
    for seed, folder in enumerate(folders):
        config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
        assert (config["seed"], config["run_dir"]) == (seed, str(folder))
    # The first is the run that the other tests look at: the same scores, however it was launched.
    scores = [json.loads((f / "summary.json").read_text("utf-8"))["test"] for f in folders]
    assert scores[0] == run.summary["test"]
    assert scores[1] != scores[0]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_one_that_fails_is_told_and_the_other_ends(
    run: Any, call: Call, tmp_path: Path, launcher: str
) -> None:
    given = ("-m", *LAUNCHERS[launcher], "dataset.size=7,32", "hydra.sweep.dir=both")
    done = call(*run.arguments(*given), cwd=tmp_path)
    assert done.returncode == 2
    assert "dataset.size" in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr
    summaries = list((tmp_path / "both").glob("*/summary.json"))
    assert [path.parent.name[0] for path in summaries] == ["1"]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_processes_of_one_training_are_started_as_this_command(
    run: Any, call: Call, tmp_path: Path, launcher: str
) -> None:
    given = ("-m", *LAUNCHERS[launcher], "trainer=ddp_cpu", "hydra.sweep.dir=both")
    arguments = [a for a in run.arguments(*given) if a != "trainer=cpu"]
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "both").glob("0-*/summary.json"))) == 1


def test_slurm_is_asked_for_what_the_preset_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very lines that sbatch reads, made as the launcher makes them."""
    (tmp_path / "srun").write_text("#!/bin/sh\n", "utf-8")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    given = ["hydra/launcher=slurm", "hydra.launcher.partition=gpu", "hydra.launcher.mem_gb=64"]
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("train", given, return_hydra_config=True)
    node = config.hydra.launcher
    node.submitit_folder, node.name = str(tmp_path / "jobs"), "train"
    values: Any = OmegaConf.to_container(node, resolve=True)
    assert values.pop("_target_").endswith("SlurmLauncher")
    plugin = importlib.import_module("hydra_plugins.hydra_submitit_launcher.config")
    own = {*OmegaConf.structured(plugin.BaseQueueConf).keys()}
    executor: Any = submitit.AutoExecutor(
        folder=values.pop("submitit_folder"),
        cluster="slurm",
        slurm_max_num_timeout=values.pop("max_num_timeout"),
    )
    executor.update_parameters(
        **{key if key in own else f"slurm_{key}": value for key, value in values.items()}
    )
    text = executor._executor._make_submission_file_text("train", "uid")
    lines = text.splitlines()
    for line in ("partition=gpu", "mem=64GB", "time=240", "cpus-per-task=8", "nodes=1"):
        assert f"#SBATCH --{line}" in lines, text
    assert "#SBATCH --gpus-per-node=1" in lines
    assert any(line.startswith("#SBATCH --signal=") and line.endswith("@120") for line in lines)


def test_without_slurm(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no srun, wherever the tests run
    done = call("-m", "hydra/launcher=slurm", "seed=1,2", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no srun" in done.stderr
    assert "hydra/launcher=joblib" in done.stderr
    assert "Traceback" not in done.stderr
