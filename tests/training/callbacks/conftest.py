"""One small training with every callback, which their tests look at from all sides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from segkit.runs.build import build_data, build_module, build_reader, build_trainer
from segkit.tasks.named import build_task
from segkit.training.module import SegmentationModule
from tests.commands.small import SMALL

CONF = Path(__file__).parents[3] / "conf"
EPOCHS = 3


@dataclass
class Finished:
    """A training that has ended."""

    folder: Path
    trainer: pl.Trainer
    module: SegmentationModule


@pytest.fixture(scope="session")
def finished(phantom_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Three epochs."""
    folder = tmp_path_factory.mktemp("run")
    overrides = [
        "dataset=dsb2018",
        f"dataset.root={phantom_root}",
        f"dataset.cache_dir={folder / 'cache'}",
        "dataset.size=32",
        "dataset.batch_size=4",
        "dataset.panel_count=2",
        *SMALL,
        "trainer=cpu",
        "trainer.precision=32-true",
        f"trainer.max_epochs={EPOCHS}",
        "trainer.enable_progress_bar=false",
        f"run_dir={folder}",
    ]
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        composed = compose("train", overrides=overrides)
    composed.choices = {}
    composed.overrides = []
    config: Any = OmegaConf.to_container(composed, resolve=True)
    reader = build_reader(config)
    module = build_module(config, build_task(config, reader.classes))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer = build_trainer(config)
    trainer.fit(module, datamodule=build_data(config, reader))
    torch.set_num_threads(threads)
    return Finished(folder, trainer, module)
