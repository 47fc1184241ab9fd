"""Checks of values that the YAML files cannot make; none of them imports torch."""

from collections.abc import Mapping
from typing import Any

from segkit.errors import SegkitError, did_you_mean
from segkit.models.encoder_names import SMP_ENCODERS

Config = Mapping[str, Any]

_MONITORS = (
    "train/loss",
    "val/loss",
    "val/dice",
    "val/dice_pooled",
    "val/iou",
    "val/precision",
    "val/recall",
    "val/specificity",
    "val/accuracy",
)
_PRECISIONS = (
    "auto",
    "32-true",
    "32",
    "16-mixed",
    "bf16-mixed",
    "bf16-true",
    "16-true",
    "64-true",
    "64",
)
_CHOICES = {
    "mode": ("min", "max"),
    "monitor": _MONITORS,
    "dataset.score_by": ("image", "group"),
    "dataset.score_at": ("native", "network"),
    "dataset.on_bad_record": ("error", "skip"),
    "dataset.channels": (1, 3),
    "trainer.precision": _PRECISIONS,
    "trainer.accelerator": ("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
}
# Inclusive bounds of numbers.
_RANGES = {
    "threshold": (0.0, 1.0),
    "dataset.batch_size": (1, 1 << 20),
    "dataset.panel_count": (1, 64),
    "freeze_encoder": (-1, 1 << 20),
    "seed": (0, 2**32 - 1),
    "optim.lr": (0.0, 1e6),
}


def check_values(config: Config) -> None:
    """Refuse values and combinations that cannot work, before anything slow is imported.

    Raises:
        SegkitError: with the key and what it may be.
    """
    for key, allowed in _CHOICES.items():
        _check_choice(config, key, allowed)
    for key, (low, high) in _RANGES.items():
        _check_range(config, key, low, high)
    _check_sizes(config["dataset"])
    _check_workers(config["dataset"]["num_workers"])
    _check_encoder(config["model"])
    _check_mode(config)
    _check_patience(config)


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


def _get(config: Config, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _check_choice(config: Config, key: str, allowed: tuple[object, ...]) -> None:
    value = _get(config, key)
    if value not in allowed and value is not None:
        raise SegkitError(
            f"{value!r} is not possible here",
            where=f"{key}={value}",
            remedy=did_you_mean(str(value), [str(option) for option in allowed]),
        )


def _check_range(config: Config, key: str, low: float, high: float) -> None:
    value = _get(config, key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and low <= value <= high):
        raise SegkitError(
            f"{value!r} is not a number from {low} to {high}",
            where=f"{key}={value}",
            remedy=f"give a number from {low} to {high}",
        )


def _check_sizes(dataset: Config) -> None:
    size = image_size(dataset["size"], "dataset.size")
    crop = image_size(dataset["crop"], "dataset.crop")
    if size and crop and (crop[0] > size[0] or crop[1] > size[1]):
        raise SegkitError(
            f"a crop of {crop[0]}×{crop[1]} does not fit into images of {size[0]}×{size[1]}",
            where="dataset.crop, dataset.size",
            remedy="make dataset.crop smaller or dataset.size larger",
        )
    if size is None and crop is None and dataset["batch_size"] > 1:
        raise SegkitError(
            "images of their own sizes cannot be put into one batch",
            where="dataset.size=null",
            remedy="set dataset.crop as well, or dataset.batch_size=1",
        )


def _check_workers(value: object) -> None:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value != "auto" and not number:
        raise SegkitError(
            f"{value!r} is not a number of loader processes",
            where=f"dataset.num_workers={value}",
            remedy="give auto, 0 (none but the main process) or more",
        )


def _check_encoder(model: Config) -> None:
    name = model.get("encoder")
    # timm's names are too many to list here; they are checked when the network is built.
    if name is None or str(name).startswith("tu-") or name in SMP_ENCODERS:
        return
    raise SegkitError(
        f"unknown encoder {name!r}",
        where=f"model.encoder={name}",
        remedy=f"{did_you_mean(str(name), SMP_ENCODERS)} timm's are named tu-<name>",
    )


def _check_mode(config: Config) -> None:
    expected = "min" if str(config["monitor"]).endswith("loss") else "max"
    if config["mode"] != expected:
        better = "lower" if expected == "min" else "higher"
        raise SegkitError(
            f"{config['monitor']} is better when it is {better}",
            where=f"mode={config['mode']}",
            remedy=f"set mode={expected}",
        )


def _check_patience(config: Config) -> None:
    schedule = _get(config, "schedule.patience")
    stopping = _get(config, "callbacks.early_stopping.patience")
    if schedule is not None and stopping is not None and schedule >= stopping:
        raise SegkitError(
            f"training stops after {stopping} flat epochs, before the rate is reduced after "
            f"{schedule}",
            where="schedule.patience, callbacks.early_stopping.patience",
            remedy=f"set schedule.patience below {stopping}, or callbacks.early_stopping.patience "
            f"above {schedule}",
        )
