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
    unsettled, unnamed = dataset["channels"] == AUTO, dataset.get("classes", ()) is None
    if unsettled:
        composed.dataset.channels = reader.channels()
    if unnamed:
        composed.dataset.classes = list(reader.classes)
    return resolved(composed) if unsettled or unnamed else config
