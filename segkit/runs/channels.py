"""``dataset.channels=auto`` and classes without names, settled by what the data have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from segkit.config.plain import resolved
from segkit.config.sizes import AUTO

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from segkit.data.readers.base import Reader


def with_channels(config: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """The configuration with a number in place of ``auto``."""
    dataset = dict(config["dataset"])
    if dataset["channels"] == AUTO:
        dataset["channels"] = reader.channels()
    return {**config, "dataset": dataset}


def settled_channels(
    composed: DictConfig, config: dict[str, Any], reader: Reader
) -> dict[str, Any]:
    """The same, put into what was composed as well, so that config.yaml has it."""
    dataset = config["dataset"]
    if dataset["channels"] == AUTO:
        composed.dataset.channels = reader.channels()
    if "classes" in dataset and dataset["classes"] is None:
        composed.dataset.classes = list(reader.classes)
    return resolved(composed)
