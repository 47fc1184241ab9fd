"""Before Hydra makes a run folder: neither that nor the cache may lie among the data."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from segkit.core.errors import SegkitError
from segkit.core.quoting import escaped
from segkit.core.sources import check_apart

# Keys that name what is read.
_SOURCES = (
    "dataset.root",
    "dataset.manifest",
    "dataset.split.file",
    "model.encoder_weights",
    "callbacks.inference.input",
)


class Refused(BaseException):
    """Carries an error, its cause, past Hydra, which only warns of an Exception in a callback."""


class KeepApart(Callback):
    """Refuses a run folder within the data, before Hydra makes it."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before a single job."""
        del kwargs
        # As Hydra does next: the folder's name is made of what was chosen.
        HydraConfig.instance().set_config(config)
        _check(config, "hydra.run.dir", named_sources(config))
        _check(config, "dataset.cache_dir", named_sources(config))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the first job."""
        del kwargs
        sources = [*named_sources(config), *_swept(config)]
        _check(config, "hydra.sweep.dir", sources)
        _check(config, "dataset.cache_dir", sources)


def named_sources(config: DictConfig | dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Key and value of what a configuration reads."""
    node = OmegaConf.create(escaped(config)) if isinstance(config, dict) else config
    for key in _SOURCES:
        with suppress(OmegaConfBaseException):  # the job tells what is missing
            value = OmegaConf.select(node, key, throw_on_missing=False)
            several = value if isinstance(value, ListConfig) else [value]
            yield from ((key, each) for each in several if isinstance(each, str | int | float))


def _swept(config: DictConfig) -> Iterator[tuple[str, object]]:
    given = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    for each in given:
        if each.is_choice_sweep() and (key := each.get_key_element()) in _SOURCES:
            # A value in quotes comes as an object that holds its text.
            yield from ((key, getattr(v, "text", v)) for v in each.sweep_iterator())


def _check(config: DictConfig, key: str, sources: Iterable[tuple[str, object]]) -> None:
    with suppress(OmegaConfBaseException):
        place = Path(os.path.expanduser(str(OmegaConf.select(config, key))))  # noqa: PTH111  # never raise
        try:
            check_apart(place, sources, key=key)
        except SegkitError as error:
            raise Refused from error
