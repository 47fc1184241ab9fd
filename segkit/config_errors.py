"""Hydra's complaints, told as what is wrong, where, and what to do."""

import re
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from segkit.errors import SegkitError, did_you_mean

_HELP = "see the groups and the keys used most with --help, every key with --cfg job"


def explain(error: BaseException, folder: Path, config_name: str) -> SegkitError | None:
    """Turn an exception of Hydra or OmegaConf into a message; None for any other.

    Args:
        error: as raised.
        folder: of the YAML files, whose names are the near misses.
        config_name: the primary configuration.
    """
    if isinstance(error, MissingConfigException):
        return _unknown_option(error, folder)
    if isinstance(error, OverrideParseException):
        return SegkitError(
            "an argument cannot be read",
            where=error.override,
            remedy="write key=value; quote what the shell would take apart: 'key=[1,2]'",
        )
    if isinstance(error, ConfigCompositionException | OmegaConfBaseException):
        return _unknown_key(error, folder, config_name)
    if isinstance(error, HydraException) and error.__cause__ is not None:
        return explain(error.__cause__, folder, config_name)
    return None


def _unknown_option(error: MissingConfigException, folder: Path) -> SegkitError:
    missing = error.missing_cfg_file or ""
    group, _, name = str(missing).rpartition("/")
    options = option_names(folder, group)
    if not options:
        groups = [path.name for path in folder.iterdir() if path.is_dir()]
        return SegkitError(
            f"unknown group {group!r}", where=str(missing), remedy=did_you_mean(group, groups)
        )
    return SegkitError(
        f"unknown {group} {name!r}", where=f"{group}={name}", remedy=did_you_mean(name, options)
    )


def option_names(folder: Path, group: str) -> list[str]:
    """The options of a group: its files, but those that only others build on."""
    paths = (folder / group).glob("*.yaml")
    return sorted(path.stem for path in paths if not path.stem.startswith("_"))


def _unknown_key(error: Exception, folder: Path, config_name: str) -> SegkitError:
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = str(error) if cause is error else f"{error}\n{cause}"
    named = re.search(r"[Cc]ould not override '([^']+)'", text) or re.search(
        r"full_key: (\S+)", text
    )
    key = named.group(1) if named else ""
    if "is not in struct" in text or "not found" in text or "Key '" in text:
        parent, _, leaf = key.rpartition(".")
        known = _known_keys(folder, config_name)
        beside = [k.rpartition(".")[2] for k in known if k.rpartition(".")[0] == parent]
        near = did_you_mean(leaf, beside) if beside else did_you_mean(key, known)
        return SegkitError(
            f"unknown key {key!r}",
            where=f"{key}=…",
            remedy=f"{near}; {_HELP}",
        )
    if "No match in the defaults list" in text or "Could not find" in text:
        quoted = re.search(r"'([^']+)'", text)
        group = quoted.group(1) if quoted else key
        groups = [path.name for path in folder.iterdir() if path.is_dir()]
        return SegkitError(
            f"unknown group {group!r}", where=f"{group}=…", remedy=did_you_mean(group, groups)
        )
    first = " ".join(line.strip() for line in text.splitlines()[:2])
    return SegkitError(first, where=key or "the configuration", remedy=_HELP)


def _known_keys(folder: Path, config_name: str) -> list[str]:
    """Every key of the default composition, dotted."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(folder)):
        config = compose(config_name)
    found: list[str] = []

    def walk(node: DictConfig, prefix: str) -> None:
        for key in node:
            name = f"{prefix}{key!s}"
            found.append(name)
            child = node._get_node(key)
            if isinstance(child, DictConfig) and OmegaConf.is_dict(child):
                walk(child, f"{name}.")

    walk(config, "")
    return found
