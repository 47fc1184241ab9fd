"""What ``auto`` is of channels, intensity and class weights, as the data have it; class names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from segkit.config.checks import check_model
from segkit.config.plain import resolved
from segkit.config.sizes import AUTO
from segkit.core.channels import channel_count
from segkit.core.first_process import is_first_process
from segkit.core.intensity import intensity_of
from segkit.runs.cli import say

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from segkit.data.datamodule import SegmentationData
    from segkit.data.readers.base import Reader


def settled(config: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """The configuration with what the data have in place of ``auto``; the reader is told."""
    dataset = dict(config["dataset"])
    if dataset["channels"] == AUTO:
        found = reader.channels()
        dataset["channels"] = found if isinstance(found, int) else list(found)
    check_model(config.get("model", {}), dataset["channels"])
    if dataset.get("intensity") == AUTO:
        taken = dataset["channels"]  # places among those that the images have
        count = channel_count(taken if isinstance(taken, int) else reader.channels())
        dataset["intensity"] = reader.intensity_for(count)
    reader.intensity = intensity_of(dataset)
    return {**config, "dataset": dataset}


def settle(composed: DictConfig, config: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """The same, put into what was composed as well, so that config.yaml has it."""
    found = settled(config, reader)["dataset"]
    changed = [key for key in ("channels", "intensity") if config["dataset"].get(key) == AUTO]
    for key in changed:
        composed.dataset[key] = found[key]
    if config["dataset"].get("classes", ()) is None:
        composed.dataset.classes = list(reader.classes)
        changed.append("classes")
    return resolved(composed) if changed else config


def weighted(config: Mapping[str, Any], data: SegmentationData) -> dict[str, Any]:
    """The configuration with weights of the classes in place of ``loss.weight=auto``."""
    from segkit.data.class_weights import class_weights

    if config["loss"].get("weight") != AUTO:
        return dict(config)
    return {**config, "loss": {**config["loss"], "weight": class_weights(data)}}


def settle_loss(
    composed: DictConfig, config: dict[str, Any], data: SegmentationData
) -> tuple[dict[str, Any], dict[str, str]]:
    """The same, put into what was composed as well, so that config.yaml has it.

    Returns:
        The configuration, and in words what was chosen.
    """
    if config["loss"].get("weight") != AUTO:
        return config, {}
    weights = composed.loss.weight = weighted(config, data)["loss"]["weight"]
    named = ", ".join(f"{name} {w:g}" for name, w in zip(data.classes, weights, strict=True))
    return resolved(composed), {"loss.weight": f"by how rare each class is: {named}"}


def settle_epochs(
    composed: DictConfig, config: Mapping[str, Any], data: SegmentationData
) -> dict[str, str]:
    """Put a number in place of ``trainer.max_epochs=auto``; gives in words what was chosen."""
    from segkit.training.length import epochs_for

    if config["trainer"]["max_epochs"] != AUTO:
        return {}
    found, why = epochs_for(len(data.indices("train")), data.batch_size, config["steps"])
    composed.trainer.max_epochs = found
    return {"epochs": f"{found}: {why}"}


def tell(chosen: Mapping[str, str], *, multirun: bool) -> None:
    """What was chosen and why; and of a sweep, where its jobs may be unlike."""
    # Each process has asked the hub for itself. That of the first counts: its weights are sent to
    # the others as training starts, and it writes config.yaml.
    if not is_first_process():
        return
    for what, why in chosen.items():
        print(f"{what}: {why}", flush=True)
    if multirun and chosen.get("encoder weights", "").startswith("random: imagenet"):
        say(
            "warning: other jobs of this sweep may start from published weights; "
            "model.encoder_weights=null, or =imagenet, is the same for all"
        )
