"""A training of one epoch with each option under ``conf/`` and each ancestor's recipe."""

from pathlib import Path

import numpy as np
import pytest

from segkit.core.run_folder import RunFolder
from segkit.runs.build import (
    build_data,
    build_module,
    build_reader,
    build_trainer,
)
from segkit.tasks.named import build_task
from segkit.training.fit import fit
from tests.conf.configurations import Configured, options

WHOLE = [
    (group, name)
    for group in ("model", "loss", "optim", "schedule", "augment")
    for name in options(group)
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")
@pytest.mark.parametrize(("group", "name"), WHOLE)
def test_every_option_trains(configured: Configured, tmp_path: Path, group: str, name: str) -> None:
    """A whole training, one epoch long, to the end: tested, and summed up."""
    given = [f"{group}={name}"] if group == "model" else ["model=unet_mnv2", f"{group}={name}"]
    if name == "objects":
        given.append("task=instance")
    if name == "unet_flexible":
        given.append("model.base_filters=4")  # at its own 16, a checkpoint is of 1.5 GB
    config = configured(
        "dataset=dsb2018",
        "dataset.size=64",
        "dataset.batch_size=4",
        "trainer=cpu",
        "trainer.precision=32-true",
        "trainer.max_epochs=1",
        "trainer.enable_progress_bar=false",
        *given,
    )
    reader = build_reader(config)
    data = build_data(config, reader)
    data.prepare_data()
    task = build_module(config, build_task(config, reader.classes))
    folder = RunFolder(tmp_path / "run")
    summary = fit(data, task, build_trainer(config), folder, monitor=config["monitor"])
    assert summary["best_epoch"] == 0
    assert np.isfinite(summary["test"]["loss"])
    assert folder.best.is_file()
    assert folder.summary.is_file()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")
@pytest.mark.parametrize(
    "name", ["capstone4_nuclei", "cell_nuclei", "brain_segmentation", "deepcell", "unet_lowered"]
)
def test_every_recipe_of_an_ancestor_trains(
    configured: Configured, tmp_path: Path, name: str
) -> None:
    """One epoch of it, on phantoms that stand in for its data."""
    config = configured(f"experiment={name}", "trainer=cpu", "dataset.size=64")
    reader = {"_target_": "segkit.data.readers.dsb2018.Dsb2018", "root": config["dataset"]["root"]}
    config["dataset"] |= {"reader": reader | {"download": False}, "batch_size": 4}
    config["dataset"]["score_by"] = "image"
    if "encoder" in config["model"]:
        config["model"]["encoder_weights"] = None
    if name == "deepcell":
        config["model"]["base_filters"] = 2
    config["trainer"] |= {"max_epochs": 1, "enable_progress_bar": False}
    built = build_reader(config)
    data = build_data(config, built)
    data.prepare_data()
    task = build_module(config, build_task(config, built.classes))
    assert bool(task.network.reduce) == (name in ("capstone4_nuclei", "cell_nuclei"))
    summary = fit(
        data, task, build_trainer(config), RunFolder(tmp_path / "run"), monitor=config["monitor"]
    )
    assert np.isfinite(summary["best_score"])
    assert np.isfinite(summary["test"]["loss"])
