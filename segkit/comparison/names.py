"""What differs between runs, in the fewest words: their names in a comparison."""

from collections.abc import Mapping, Sequence
from typing import Any

# Where a run lies and what it was given say nothing about what it is.
_OF_THE_CALL = ("allow_targets", "overrides", "resume", "run_dir", "logger", "callbacks.pruning")
# They make several runs of one configuration.
REPEATED = ("seed", "dataset.split.fold")


def varied_keys(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The keys that differ, with the value of each run.

    A choice from a group stands for all keys of that group: ``model`` for ``model.encoder`` and
    the rest, unless runs of one choice differ in them too.

    Args:
        configs: of each run.
    """
    flats = [_flat(config) for config in configs]
    keys = dict.fromkeys(key for flat in flats for key in flat)
    differing = {key: [flat.get(key) for flat in flats] for key in keys}
    differing = {key: values for key, values in differing.items() if _differ(values)}
    chosen = {k.removeprefix("choices."): v for k, v in differing.items() if "choices." in k}
    kept = dict(chosen)
    for key, values in differing.items():
        choices = chosen.get(key.split(".", 1)[0])
        if not key.startswith("choices.") and not (choices and _follows(values, choices)):
            kept[key] = values
    return kept


def run_names(varied: Mapping[str, Sequence[Any]], count: int) -> list[str]:
    """A name for each run: ``unet_mnv2, lr=0.001``; numbers where nothing differs."""
    names = []
    for number in range(count):
        parts = []
        for key, values in varied.items():
            short = key if _ambiguous(key, varied) else key.rsplit(".", 1)[-1]
            value = values[number]
            value = f"{value:.4g}" if isinstance(value, float) else value
            parts.append(str(value) if "." not in key and key != "seed" else f"{short}={value}")
        names.append(", ".join(parts) or f"run {number + 1}")
    return names


def _ambiguous(key: str, keys: Mapping[str, object]) -> bool:
    last = key.rsplit(".", 1)[-1]
    return sum(other.rsplit(".", 1)[-1] == last for other in keys) > 1


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    if any(key == each or key.startswith(f"{each}.") for each in _OF_THE_CALL):
        return {}
    if key.endswith((".dirpath", ".save_dir")):
        return {}
    if isinstance(value, Mapping):
        inner = [_flat(v, f"{key}.{k}" if key else str(k)) for k, v in value.items()]
        return {k: v for part in inner for k, v in part.items()}
    return {key: tuple(value) if isinstance(value, list) else value}


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def _follows(values: Sequence[Any], choices: Sequence[Any]) -> bool:
    """Whether one choice always comes with one value."""
    pairs = {(repr(choice), repr(value)) for choice, value in zip(choices, values, strict=True)}
    return len(pairs) == len({choice for choice, _ in pairs})
