"""Checks of image sizes, batch sizes and loader processes."""

from collections.abc import Mapping
from typing import Any

from segkit.core.errors import SegkitError

Config = Mapping[str, Any]
AUTO = "auto"


def image_size(value: object, key: str) -> tuple[int, int] | None:
    """One number, [rows, columns] or null to (rows, columns) or None.

    Raises:
        SegkitError: anything else.
    """
    if value is None:
        return None
    pair = (value, value) if isinstance(value, int) else value
    whole = isinstance(pair, list | tuple) and all(
        isinstance(n, int) and not isinstance(n, bool) and 8 <= n <= 1 << 15 for n in pair
    )
    if not whole or not isinstance(pair, list | tuple) or len(pair) != 2:
        raise SegkitError(
            f"{value!r} is not a size in pixels",
            where=key,
            remedy=f"write one whole number of at least 8 ({key}=256) or two ('{key}=[256,320]')",
        )
    return (int(pair[0]), int(pair[1]))


def check_sizes(dataset: Config) -> None:
    """Refuse sizes that cannot work together.

    Raises:
        SegkitError: with the keys.
    """
    size = image_size(dataset["size"], "dataset.size")
    crop = image_size(dataset["crop"], "dataset.crop")
    if size and crop and (crop[0] > size[0] or crop[1] > size[1]):
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


def check_batch(config: Config) -> None:
    """Refuse a batch size that is none, or one that processes would find each for itself.

    Raises:
        SegkitError: with the key and what it may be.
    """
    value = config["dataset"]["batch_size"]
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value != "auto" and not whole:
        raise SegkitError(
            f"{value!r} is not a whole number of 1 or more",
            where=f"dataset.batch_size={value}",
            remedy="give a whole number of 1 or more, or auto for the largest that fits",
        )
    trainer = config.get("trainer", {})
    alone = trainer.get("devices", 1) in (1, "1", "auto") and trainer.get("num_nodes", 1) == 1
    if value == "auto" and not (alone and trainer.get("strategy", "auto") == "auto"):
        raise SegkitError(
            "several processes would each find a batch size of their own",
            where="dataset.batch_size=auto, trainer",
            remedy="set dataset.batch_size to a number",
        )


def check_overfit(config: Config) -> None:
    """Refuse what is no number of batches, and no share of them.

    Raises:
        SegkitError: with what it may be.
    """
    value = config.get("trainer", {}).get("overfit_batches", 0)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or value < 0 or (isinstance(value, float) and value > 1):
        raise SegkitError(
            f"{value!r} is neither a number of batches nor a share of them",
            where=f"trainer.overfit_batches={value}",
            remedy="give a whole number, or a share with a point, such as 0.1",
        )
    if value and config["dataset"]["batch_size"] == AUTO:
        raise SegkitError(
            "the batches that are to be learnt by heart are of a size that is known",
            where=f"dataset.batch_size=auto, trainer.overfit_batches={value}",
            remedy="set dataset.batch_size to a number",
        )


def check_device_cache(config: Config) -> None:
    """Refuse what cannot be held on the device and augmented there.

    Raises:
        SegkitError: with the key that does not go with it.
    """
    dataset = config["dataset"]
    if not dataset.get("device_cache"):
        return
    if dataset["size"] is None or dataset["crop"] is not None:
        raise SegkitError(
            "images of one size are held on the device, and whole",
            where="dataset.device_cache=true, dataset.size, dataset.crop",
            remedy="set dataset.size and leave dataset.crop out, or dataset.device_cache=false",
        )
    if "device" not in str(config["augment"].get("_target_")).lower():
        raise SegkitError(
            "this augmentation works on the CPU, image by image",
            where="augment, dataset.device_cache=true",
            remedy="set augment=device_light, or dataset.device_cache=false",
        )


def check_workers(value: object) -> None:
    """Refuse what is no number of loader processes.

    Raises:
        SegkitError: with what it may be.
    """
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value != "auto" and not number:
        raise SegkitError(
            f"{value!r} is not a number of loader processes",
            where=f"dataset.num_workers={value}",
            remedy="give auto, 0 (none but the main process) or more",
        )
