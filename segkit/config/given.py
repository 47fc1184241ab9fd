"""What Hydra was given, word for word: as its configuration is read, ``${`` is interpolated."""

from pathlib import Path
from typing import Any, Literal

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf


def given_overrides(of: Literal["task", "hydra"] = "task") -> list[str]:
    """The overrides of this job, ``key=value`` in Hydra's grammar.

    Args:
        of: the configuration's keys, or Hydra's own.
    """
    hydra: Any = HydraConfig.get()
    return plain_overrides(hydra.overrides, of)


def plain_overrides(node: DictConfig, of: str = "task") -> list[str]:
    """The same, of ``hydra.overrides`` of any configuration."""
    return [str(each) for each in _plain(node)[of]]


def output_dir() -> Path:
    """The folder that Hydra has made for this job."""
    hydra: Any = HydraConfig.get()
    return Path(_plain(hydra.runtime)["output_dir"])


def working_dir() -> str:
    """The folder in which the command was started."""
    hydra: Any = HydraConfig.get()
    return str(_plain(hydra.runtime)["cwd"])


def _plain(node: DictConfig) -> dict[str, Any]:
    plain = OmegaConf.to_container(node, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
