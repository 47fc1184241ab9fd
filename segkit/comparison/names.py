"""What differs between runs, in the fewest words: their names in a comparison."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from segkit.config.keys import (
    ADDED,
    FOUND,
    NOT_COMPARED,
    PLACES,
    flatten,
    in_todays_words,
    within,
)
from segkit.tasks.named import DEFAULT, task_kind


def differing_keys(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The keys that differ, with the value of each run.

    A choice from a group stands for all keys of that group: ``model`` for ``model.encoder`` and
    the rest, unless runs of one choice differ in them too.

    Args:
        configs: of each run.
    """
    flats = [_with_task(_compared(config)) for config in configs]
    keys = dict.fromkeys(key for flat in flats for key in flat)
    differing = {key: [flat.get(key, ADDED.get(key)) for flat in flats] for key in keys}
    differing = {key: values for key, values in differing.items() if _differ(values)}
    tasks = [flat["choices.task"] for flat in flats]
    shared = {key for key in keys if all(key in flat for flat in flats)}
    differing = {
        key: values
        for key, values in differing.items()
        if not (_is_of_task(key, values, tasks, shared) or _repeats(key, values, differing))
    }
    differing = {k: v for k, v in differing.items() if not _is_found(k, v, differing)}
    by_group = {k.removeprefix("choices."): v for k, v in differing.items() if "choices." in k}
    kept = dict(by_group)
    for key, values in differing.items():
        choices = by_group.get(key.split(".", 1)[0])
        if not key.startswith("choices.") and not (choices and _follows(values, choices)):
            kept[key] = values
    return kept


def run_names(differing: Mapping[str, Sequence[Any]], count: int) -> list[str]:
    """A name for each run: ``unet_mnv2, lr=0.001``; numbers where nothing differs."""
    names = []
    for number in range(count):
        parts = []
        for key, values in differing.items():
            short = key if _ambiguous(key, differing) else key.rsplit(".", 1)[-1]
            value = values[number]
            value = f"{value:.4g}" if isinstance(value, float) else value
            parts.append(str(value) if "." not in key and key != "seed" else f"{short}={value}")
        names.append(", ".join(parts) or f"run {number + 1}")
    return names


def _ambiguous(key: str, keys: Mapping[str, object]) -> bool:
    last = key.rsplit(".", 1)[-1]
    return sum(other.rsplit(".", 1)[-1] == last for other in keys) > 1


def _compared(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in flatten(in_todays_words(dict(config))).items()
        if not (within(key, NOT_COMPARED) or key.endswith(PLACES) or isinstance(value, Mapping))
    }


def _with_task(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Named once and first, also where a run of an earlier version did not."""
    others = {key: value for key, value in flat.items() if key not in ("task", "choices.task")}
    return {"choices.task": str(flat.get("task", DEFAULT)), **others}


def _is_found(key: str, values: Sequence[Any], differing: Mapping[str, Sequence[Any]]) -> bool:
    """Whether training itself wrote the values: each follows from the encoder.

    Runs of earlier versions have none.
    """
    found = key in FOUND and FOUND[key] is None
    return found and (None in values or _follows(values, differing.get("model.encoder", ())))


def _is_of_task(
    key: str, values: Sequence[Any], tasks: Sequence[str], shared: Container[str]
) -> bool:
    """Whether the values say no more than that the tasks are others.

    Each has settings of its decoder and a score to go by, and keys that the other lacks.
    """
    if not _differ(tasks) or not _follows(values, tasks) or "." in key:
        return False
    own = {key for name in set(tasks) for key in task_kind({"task": name}).keys}
    return key in own or key in ("monitor", "mode") or key not in shared


def _repeats(key: str, values: Sequence[Any], differing: Mapping[str, Sequence[Any]]) -> bool:
    """Whether it was written as another key: ``monitor``, in ``schedule.monitor``."""
    parent, _, last = key.rpartition(".")
    return bool(parent) and parent != "choices" and differing.get(last) == values


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def _follows(values: Sequence[Any], choices: Sequence[Any]) -> bool:
    """Whether one choice always comes with one value."""
    if not choices:
        return False
    pairs = {(repr(choice), repr(value)) for choice, value in zip(choices, values, strict=True)}
    return len(pairs) == len({choice for choice, _ in pairs})
