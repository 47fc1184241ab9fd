"""The groups of the configuration, their options, and the keys of what is composed of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf


def group_names(folder: Path) -> list[str]:
    """The groups: the folders of the YAML files."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def option_names(folder: Path, group: str) -> list[str]:
    """The options of a group: its files, but those that only others build on."""
    paths = (folder / group).glob("*.yaml")
    return sorted(path.stem for path in paths if not path.stem.startswith("_"))


def composed(folder: Path, config_name: str, choices: Sequence[str] = ()) -> DictConfig:
    """The default configuration, but for the options that were chosen."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(folder)):
        return compose(config_name, overrides=list(choices))


def keys_below(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Every key, dotted; Hydra's own left out."""
    for key in node:
        name = f"{prefix}{key!s}"
        if name == "hydra":
            continue
        yield name
        child = node._get_node(key)
        if isinstance(child, DictConfig) and OmegaConf.is_dict(child) and child:
            yield from keys_below(child, f"{name}.")
