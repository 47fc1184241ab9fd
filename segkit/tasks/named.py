"""The tasks by name: each is a folder with a ``task.py``. None of this imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from segkit.core.errors import SegkitError, did_you_mean
from segkit.tasks.base import Task

DEFAULT = "semantic"  # of runs that were trained before there was another


def task_names() -> list[str]:
    """All there are."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/task.py"))


def task_kind(config: Mapping[str, Any]) -> type[Task]:
    """The kind of task that a configuration is of.

    Raises:
        SegkitError: there is no such task.
    """
    name = config.get("task", DEFAULT)
    if name not in (known := task_names()):
        raise SegkitError(
            f"unknown task {name!r}", where=f"task={name}", remedy=did_you_mean(str(name), known)
        )
    kind: type[Task] = import_module(f"segkit.tasks.{name}.task").TASK
    return kind


def no_objects(name: str, where: str, leave: str = "") -> SegkitError:
    """That a task tells no objects apart, where they are asked for.

    Args:
        name: of the task.
        where: they are asked for.
        leave: what to do instead of training another run.
    """
    able = [name for name in task_names() if task_kind({"task": name}).labels]
    train = " or ".join(f"task={name}" for name in able)
    return SegkitError(
        f"this run was trained with task={name}, which tells no objects apart",
        where=where,
        remedy=f"{leave}train a run that finds objects: {train}",
    )


def judged(task: Task, by: str | None) -> Task:
    """A task whose scores are those of another, or itself where that is its own name or None.

    Raises:
        SegkitError: there is no such task, or its scores are not of such answers.
    """
    if by in (None, task.name):
        return task
    if by not in (known := task_names()):
        raise SegkitError(
            f"unknown task {by!r}", where=f"score_as={by}", remedy=did_you_mean(str(by), known)
        )
    kind = task_kind({"task": by})
    if task.name not in kind.judges:
        raise SegkitError(
            f"what a run of task={task.name} answers has no scores of task={by}",
            where=f"score_as={by}",
            remedy="leave it out: a run is scored by its own task",
        )
    made: Task = import_module(f"segkit.tasks.{by}.{kind.judges[task.name]}").TASK(task)
    return made


def common_judge(tasks: Sequence[Task]) -> str | None:
    """The task whose scores all of them can have; None where there is none."""
    names = {task.name for task in tasks}
    able = [task.name for task in tasks if names <= {task.name, *task.judges}]
    return able[0] if able else None


def decoder_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a command sets of a decoder, by key; a task refuses what it does not have."""
    keys = dict.fromkeys(key for name in task_names() for key in task_kind({"task": name}).keys)
    return {key: config[key] for key in keys if config.get(key) is not None}


def check_task(config: Mapping[str, Any]) -> None:
    """Refuse values of the task's keys, and scores to go by that it does not have.

    Raises:
        SegkitError: with the key and what it may be.
    """
    kind = task_kind(config)
    kind.check(config)
    better, expected = "higher", "max"
    if str(config["monitor"]).removeprefix("val/") in kind.falling:
        better, expected = "lower", "min"
    if config["mode"] != expected:
        raise SegkitError(
            f"{config['monitor']} is better when it is {better}",
            where=f"mode={config['mode']}",
            remedy=f"set mode={expected}",
        )


def build_task(config: Mapping[str, Any], classes: Sequence[str]) -> Task:
    """The task as configured, for these classes.

    Raises:
        SegkitError: values that do not fit.
    """
    return task_kind(config).of(config, classes)
