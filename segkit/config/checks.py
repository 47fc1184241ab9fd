"""Checks of values that the YAML files cannot make; none of them imports torch."""

from collections.abc import Mapping
from typing import Any

from segkit.config.bounds import (
    CHOICES,
    NUMBERS,
    OF_DATA,
    OF_TRAINING,
    SWITCHES,
    WHOLE,
    WHOLE_OR_NULL,
)
from segkit.config.encoder_names import SMP_ENCODERS
from segkit.config.sizes import (
    check_batch,
    check_device_cache,
    check_overfit,
    check_sizes,
    check_workers,
)
from segkit.core.errors import SegkitError, did_you_mean

Config = Mapping[str, Any]


def check_values(config: Config) -> None:
    """Refuse values and combinations that cannot work, before anything slow is imported.

    Raises:
        SegkitError: with the key and what it may be.
    """
    for key in OF_TRAINING:
        _check_mapping(config, key)
    check_data(config)
    _check_model(config["model"], config["dataset"]["channels"])
    _check_mode(config)
    _check_patience(config)


def check_data(config: Config) -> None:
    """The same, of a configuration without a network and a training."""
    for key in OF_DATA:
        _check_mapping(config, key)
    for key, allowed in CHOICES.items():
        _check_choice(config, key, allowed)
    for key, bounds in NUMBERS.items():
        _check_number(config, key, bounds, whole=False)
    for key, bounds in (WHOLE | WHOLE_OR_NULL).items():
        _check_number(config, key, bounds, whole=True)
    for key in SWITCHES:
        _check_choice(config, key, (True, False))
    _check_name(config["dataset"].get("name"))
    check_batch(config)
    check_device_cache(config)
    check_overfit(config)
    check_sizes(config["dataset"])
    check_workers(config["dataset"]["num_workers"])


def _check_name(name: object) -> None:
    if isinstance(name, str) and (set(name) & {"/", "\\", "\0"} or name in (".", "..")):
        raise SegkitError(
            "the name of a data set is part of file names, and holds no slash",
            where=f"dataset.name={name}",
            remedy="write a plain name",
        )


_ABSENT = object()


def _get(config: Config, key: str) -> Any:
    """The value, or ``_ABSENT`` for a key that this composition does not have."""
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def _check_mapping(config: Config, key: str) -> None:
    if not isinstance(value := _get(config, key), Mapping):
        raise SegkitError(
            f"{key} holds keys of its own and cannot be a single value",
            where=f"{key}={value}",
            remedy=f"set its keys, as {key}.KEY=VALUE; --cfg job shows them",
        )


def _check_choice(config: Config, key: str, allowed: tuple[object, ...]) -> None:
    value = _get(config, key)
    # 1 equals True, but was not meant so.
    same = [option for option in allowed if value == option and type(value) is type(option)]
    if not same and value is not _ABSENT:
        raise SegkitError(
            f"{value!r} is not possible here",
            where=f"{key}={value}",
            remedy=did_you_mean(str(value), [str(option) for option in allowed]),
        )


def _check_number(
    config: Config, key: str, bounds: tuple[float, float | None], *, whole: bool
) -> None:
    value = _get(config, key)
    if value is _ABSENT or (value is None and key in WHOLE_OR_NULL):
        return
    low, high = bounds
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if number and value >= low and (high is None or value <= high):
        return
    kind = "whole number" if whole else "number"
    reach = f"of {low} or more" if high is None else f"from {low} to {high}"
    null = ", or null" if key in WHOLE_OR_NULL else ""
    raise SegkitError(
        f"{value!r} is not a {kind} {reach}",
        where=f"{key}={value}",
        remedy=f"give a {kind} {reach}{null}",
    )


def _check_model(model: Config, channels: int) -> None:
    if model.get("in_channels", channels) != channels:
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
    whole = isinstance(schedule, int) and isinstance(stopping, int)
    if whole and schedule >= stopping:
        raise SegkitError(
            f"training stops after {stopping} flat epochs, before the rate is reduced after "
            f"{schedule}",
            where="schedule.patience, callbacks.early_stopping.patience",
            remedy=f"set schedule.patience below {stopping}, or callbacks.early_stopping.patience "
            f"above {schedule}",
        )
