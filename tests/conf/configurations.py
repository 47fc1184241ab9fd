"""The options under ``conf/``, composed as the tests train with them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("[!_]*.yaml"))


def on_one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


Configured = Callable[..., dict[str, Any]]


def composed(phantom_root: Path, folder: Path, *overrides: str) -> dict[str, Any]:
    """The composition of some overrides, resolved; small, and on phantoms where data are read."""
    given = [
        f"dataset.root={phantom_root}",
        f"dataset.cache_dir={folder / 'cache'}",
        f"run_dir={folder / 'run'}",
        *overrides,
    ]
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("train", overrides=given)
    config.choices = {}
    config.overrides = []
    return dict(OmegaConf.to_container(config, resolve=True, throw_on_missing=True))  # type: ignore[arg-type]
