"""A search space: a few lines of YAML to what a study draws from, and a draw to overrides."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.quoting import written
from segkit.core.values import number

if TYPE_CHECKING:
    from optuna import Trial

Scalar = str | int | float | bool | None

_FINITE = number(-math.inf)
_BOUNDS = ("low", "high", "step", "log")


@dataclass(frozen=True)
class Choice:
    """One of several values, none nearer to another."""

    options: tuple[Scalar, ...]


@dataclass(frozen=True)
class Range:
    """Numbers within bounds, both included; whole where both bounds are."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it draws integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Space = Mapping[str, Choice | Range]


def read_space(
    node: Mapping[Any, object], more: object = None, fixed: Container[str] = ()
) -> dict[str, Choice | Range]:
    """Read a space.

    Args:
        node: each key with a list of options, or with ``low``, ``high`` and perhaps ``step`` or
            ``log``.
        more: the same, in place of what ``node`` has; ``null`` takes a key out.
        fixed: keys that the user has given a value, which are not searched.

    Raises:
        SegkitError: no key is left, or one has neither options nor bounds.
    """
    if not isinstance(more, Mapping | None):
        raise SegkitError(
            "a search space has something for each key",
            where=f"space={more}",
            remedy="'space={optim.lr: {low: 1e-4, high: 1e-2, log: true}}', or sweep=default",
        )
    whole = {**node, **(more or {})}
    told = {str(key): value for key, value in whole.items() if value is not None}
    space = {key: _dimension(key, value) for key, value in told.items() if key not in fixed}
    if not space:
        given = ", ".join(told)
        raise SegkitError(
            "nothing is left to search: all of it has a value"
            if given
            else "the search space is empty",
            where=f"space: {given}" if given else "space={}",
            remedy="leave a value out of the command line, or add a key: "
            "'space={optim.lr: {low: 1e-4, high: 1e-2, log: true}}'",
        )
    return space


def _dimension(key: str, value: object) -> Choice | Range:
    if isinstance(value, list | tuple):
        return _choice(key, value)
    if isinstance(value, Mapping):
        return _range(key, {str(name): given for name, given in value.items()})
    raise SegkitError(
        f"{key} has one value, and nothing to choose from",
        where=f"space: {key}: {value}",
        remedy=f"give a list of options, or bounds; for one value, {key}={value} outside of it",
    )


def _choice(key: str, options: Sequence[object]) -> Choice:
    where = f"space: {key}: {list(options)}"
    scalars: list[Scalar] = [o for o in options if o is None or isinstance(o, str | int | float)]
    if len(scalars) < len(options):
        raise SegkitError(
            f"an option of {key} is not a single value",
            where=where,
            remedy="list names, numbers, true, false or null",
        )
    if not options or len({(type(option), option) for option in scalars}) < len(options):
        raise SegkitError(
            f"{key} has {'the same option twice' if options else 'no options'}",
            where=where,
            remedy=f"list each once, or leave {key} out",
        )
    return Choice(tuple(scalars))


def _range(key: str, given: Mapping[str, Any]) -> Range:
    def wrong(what: str, remedy: str) -> SegkitError:
        shown = ", ".join(f"{name}: {value}" for name, value in given.items())
        return SegkitError(f"{key} {what}", where=f"space: {key}: {{{shown}}}", remedy=remedy)

    for name in given:
        if name not in _BOUNDS:
            raise wrong(f"cannot have {name!r}", did_you_mean(name, _BOUNDS))
    low: Any = given.get("low")
    high: Any = given.get("high")
    if not (_FINITE.accepts(low) and _FINITE.accepts(high)):
        raise wrong("needs two numbers as bounds", "give low and high, or a list of options")
    if low >= high:
        raise wrong("has no room between its bounds", "low must be below high")
    log, step = given.get("log", False), given.get("step")
    if not isinstance(log, bool):
        raise wrong("is drawn over a logarithm or not", "log: true or log: false")
    if log and low <= 0:
        raise wrong("has no logarithm at its lower bound", "set low above 0, or log: false")
    if step is None:
        return Range(low, high, None, log)
    if not _FINITE.accepts(step) or not 0 < step <= high - low:
        raise wrong(
            "cannot be drawn in such steps", "a step is above 0 and fits between the bounds"
        )
    if log:
        raise wrong("has steps, and a logarithm too", "leave out one of step and log")
    if isinstance(low, int) and isinstance(high, int) and not isinstance(step, int):
        low, high = float(low), float(high)
    return Range(low, high, step)


def suggest(trial: Trial, space: Space) -> dict[str, Scalar]:
    """Draw a value for every key."""
    drawn: dict[str, Scalar] = {}
    for key, dimension in space.items():
        if isinstance(dimension, Choice):
            drawn[key] = trial.suggest_categorical(key, dimension.options)
        elif dimension.whole:
            low, high, step = int(dimension.low), int(dimension.high), int(dimension.step or 1)
            drawn[key] = trial.suggest_int(key, low, high, step=step, log=dimension.log)
        else:
            drawn[key] = trial.suggest_float(
                key, dimension.low, dimension.high, step=dimension.step, log=dimension.log
            )
    return drawn


def corners(space: Space) -> list[dict[str, Scalar]]:
    """Draws in which every bound and every option occurs: what to try out before the first."""

    def nth(dimension: Choice | Range, number: int) -> Scalar:
        if isinstance(dimension, Choice):
            return dimension.options[min(number, len(dimension.options) - 1)]
        return (dimension.low, dimension.high)[min(number, 1)]

    most = max(len(d.options) if isinstance(d, Choice) else 2 for d in space.values())
    return [{key: nth(d, number) for key, d in space.items()} for number in range(most)]


def as_overrides(values: Mapping[str, Scalar]) -> list[str]:
    """As they would be written on the command line."""
    return [f"{key}={written(value)}" for key, value in values.items()]


def as_plain(space: Space) -> dict[str, Any]:
    """As plain containers, the same for the same space: by this a study knows its own."""
    return {
        key: list(d.options)
        if isinstance(d, Choice)
        else {"low": d.low, "high": d.high, "step": d.step, "log": d.log}
        for key, d in sorted(space.items())
    }
