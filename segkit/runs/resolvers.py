"""What the YAML files compute: names of folders, from what was chosen."""

import hashlib

from omegaconf import DictConfig, OmegaConf

from segkit.config.keys import MAY_CHANGE, in_earlier_words
from segkit.config.plain import unresolved
from segkit.core.sources import data_name
from segkit.runs.jobs import job_name


def register() -> None:
    """Make ``${config_hash:}``, ``${job_name:}`` and ``${data_name:}`` known to OmegaConf."""
    for name, resolver in (
        ("config_hash", _config_hash),
        ("job_name", _job_name),
        ("data_name", _data_name),
    ):
        OmegaConf.register_new_resolver(name, resolver, replace=True)


def _job_name(otherwise: str, *, _root_: DictConfig) -> str:
    given = OmegaConf.select(_root_, "hydra.overrides")
    return job_name(unresolved(given)["task"] if given is not None else [], otherwise)


def _data_name(*, _root_: DictConfig) -> str:
    # What is missing there, whoever reads it says.
    keys = ("name", "root")
    return data_name({key: OmegaConf.select(_root_, f"dataset.{key}") for key in keys})


def _config_hash(*, _root_: DictConfig) -> str:
    return config_digest(_root_)


def config_digest(root: DictConfig, **instead: object) -> str:
    """Eight hexadecimal digits over the configuration as composed, Hydra's own part left out.

    ``resume=true`` must find the folders of the call without it, and may change what may change;
    but other data are another run's. Keys that earlier versions lack count where they are set.

    Args:
        root: as composed.
        instead: values to take for others, by dotted key.
    """
    own = ("hydra", "resume", "overrides")
    parts = {key: value for key, value in root.items_ex(resolve=False) if key not in own}
    config = OmegaConf.create(in_earlier_words(unresolved(OmegaConf.create(parts))))
    for key, value in instead.items():
        OmegaConf.update(config, key, value)
    for key in (
        each
        for each in MAY_CHANGE
        if each != "dataset.root"
        and OmegaConf.select(config, each, throw_on_resolution_failure=False) is not None
    ):
        OmegaConf.update(config, key, None, force_add=True)
    text = OmegaConf.to_yaml(config, resolve=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
