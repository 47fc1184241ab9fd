"""Checks of combinations of values that cannot work together; none of them imports torch."""

from collections.abc import Mapping
from typing import Any

from segkit.config.encoder_names import SMP_ENCODERS
from segkit.config.sizes import AUTO, crop_size, image_size
from segkit.config.values import DATA, TRAIN
from segkit.core.channels import channel_count
from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.values import Rules, check, lookup

Config = Mapping[str, Any]


def check_values(config: Config) -> None:
    """Refuse values and combinations that cannot work, before anything slow is imported.

    Raises:
        SegkitError: with the key and what it may be.
    """
    check_data(config, TRAIN)
    check_model(config["model"], config["dataset"]["channels"])
    _check_patience(config)


def check_data(config: Config, rules: Rules = DATA) -> None:
    """The same, of a configuration without a network and a training."""
    check(config, rules)
    _check_sizes(config["dataset"])
    _check_processes(config)
    _check_overfit(config)
    _check_device_cache(config)


def _check_sizes(dataset: Config) -> None:
    size = image_size(dataset["size"], "dataset.size")
    crop = crop_size(dataset["crop"], "dataset.crop")
    if size and isinstance(crop, tuple) and (crop[0] > size[0] or crop[1] > size[1]):
        raise SegkitError(
            f"a crop of {crop[0]}×{crop[1]} does not fit into images of {size[0]}×{size[1]}",
            where="dataset.crop, dataset.size",
            remedy="make dataset.crop smaller or dataset.size larger",
        )
    if size is None and crop is None and dataset["batch_size"] != 1:
        raise SegkitError(
            "images of their own sizes cannot be put into one batch",
            where="dataset.size=null",
            remedy="set dataset.crop as well, or dataset.batch_size=1",
        )


def _check_processes(config: Config) -> None:
    trainer = config.get("trainer", {})
    alone = trainer.get("devices", 1) in (1, "1", "auto") and trainer.get("num_nodes", 1) == 1
    alone = alone and trainer.get("strategy", "auto") == "auto"
    if config["dataset"]["batch_size"] == "auto" and not alone:
        raise SegkitError(
            "several processes would each find a batch size of their own",
            where="dataset.batch_size=auto, trainer",
            remedy="set dataset.batch_size to a number",
        )


def _check_overfit(config: Config) -> None:
    value = config.get("trainer", {}).get("overfit_batches", 0)
    if value and config["dataset"]["batch_size"] == AUTO:
        raise SegkitError(
            "the batches that are to be learnt by heart are of a size that is known",
            where=f"dataset.batch_size=auto, trainer.overfit_batches={value}",
            remedy="set dataset.batch_size to a number",
        )


def _check_device_cache(config: Config) -> None:
    dataset = config["dataset"]
    if not dataset.get("device_cache"):
        return
    if dataset["size"] is None or dataset["crop"] is not None:
        raise SegkitError(
            "images of one size are held on the device, and whole",
            where="dataset.device_cache=true, dataset.size, dataset.crop",
            remedy="set dataset.size and dataset.crop=null, or dataset.device_cache=false",
        )
    if "device" not in str(config["augment"].get("_target_")).lower():
        raise SegkitError(
            "this augmentation works on the CPU, image by image",
            where="augment, dataset.device_cache=true",
            remedy="set augment=device_light, or dataset.device_cache=false",
        )


def check_model(model: Config, channels: Any) -> None:
    """Refuse an encoder that is not known, and a network of other channels than the data's.

    Args:
        model: as configured.
        channels: of the data set; what ``auto`` is, is checked when it is settled.

    Raises:
        SegkitError: with what to set instead.
    """
    asked = model.get("in_channels", AUTO)
    if AUTO not in (asked, channels) and asked not in (channels, channel_count(channels)):
        raise SegkitError(
            f"the network takes {model['in_channels']} channels, the data set gives {channels}",
            where=f"model.in_channels={model['in_channels']}",
            remedy="set dataset.channels instead; the network follows it",
        )
    name = model.get("encoder")
    # timm's names are too many to list here; they are checked when the network is built.
    if name is None or str(name).startswith("tu-") or name in SMP_ENCODERS:
        return
    raise SegkitError(
        f"unknown encoder {name!r}",
        where=f"model.encoder={name}",
        remedy=f"{did_you_mean(str(name), SMP_ENCODERS)} timm's are named tu-<name>",
    )


def _check_patience(config: Config) -> None:
    schedule = lookup(config, "schedule.patience")
    stopping = lookup(config, "callbacks.early_stopping.patience")
    whole = isinstance(schedule, int) and isinstance(stopping, int)
    if whole and schedule >= stopping:
        raise SegkitError(
            f"training stops after {stopping} flat epochs, before the rate is reduced after "
            f"{schedule}",
            where="schedule.patience, callbacks.early_stopping.patience",
            remedy=f"set schedule.patience below {stopping}, or callbacks.early_stopping.patience "
            f"above {schedule}",
        )
