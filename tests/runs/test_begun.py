"""Which run a call resumes, asked to or not."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from segkit.core.run_folder import RunFolder
from segkit.runs.begun import begun, folder_to_resume
from segkit.runs.call import Call
from segkit.runs.resolvers import config_digest, register
from tests.conf.configurations import CONF


def config(resume: object = None, epochs: int = 2) -> Any:
    return OmegaConf.create({"resume": resume, "trainer": {"max_epochs": epochs}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a run of two epochs."""
    path = tmp_path / "3-max_epochs2-abc"
    path.mkdir()
    RunFolder(path).write_config({"trainer": {"max_epochs": 2}})
    return path


@pytest.mark.parametrize(
    ("call", "resumes"),
    [({"chosen_by_user": True}, True), ({"multirun": True}, True), ({}, False)],
)
def test_a_job_that_slurm_has_queued_again_resumes_unasked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: Any, *, resumes: bool
) -> None:
    monkeypatch.delenv("SLURM_RESTART_COUNT", raising=False)
    assert folder_to_resume(config(), Call(folder, **call)) is None
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    composed = config()
    assert folder_to_resume(composed, Call(folder, **call)) == (folder if resumes else None)
    assert composed.resume is (True if resumes else None)
    assert folder_to_resume(config(resume=False), Call(folder, **call)) is None


def test_a_hash_knows_nothing_of_epochs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the sweep is over them, another number of them makes a run longer."""
    other = folder.with_name("1-max_epochs3-abc")
    monkeypatch.setenv("SEGKIT_SWEPT", "seed")
    assert begun(other, config(epochs=3), multirun=True) == folder
    assert begun(other, config(epochs=3), multirun=False) is None
    monkeypatch.setenv("SEGKIT_SWEPT", "seed,trainer.max_epochs")
    assert begun(other, config(epochs=3), multirun=True) is None
    assert begun(other, config(epochs=2), multirun=True) == folder


@pytest.mark.parametrize(
    ("given", "digest"),
    [
        (["dataset=dsb2018", "dataset.root=/x", "seed=3"], "fb546661"),
        (["trainer=ddp_cpu"], "5e3586f5"),
    ],
)
def test_runs_of_a_sweep_begun_by_an_earlier_version_are_found(
    tmp_path: Path, given: list[str], digest: str
) -> None:
    """Under the names that they had then; ``dataset.intensity`` was stored."""
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        composed = compose("train", overrides=given)
    composed.overrides = given
    old = tmp_path / f"0-seed3-{digest}"
    old.mkdir()
    RunFolder(old).write_config({"trainer": {"max_epochs": 50}})
    job = tmp_path / f"0-seed3-{config_digest(composed)}"
    assert begun(job, composed, multirun=True) == old
    composed.overrides = [*given, "dataset.intensity=image"]
    assert begun(job, composed, multirun=True) is None
