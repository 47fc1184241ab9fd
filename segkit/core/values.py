"""What values may be: tables of rules by key, and the one function that reads them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from segkit.core.errors import SegkitError, did_you_mean

_REFUSED = "{key} cannot be {value}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value may be, and what is said of one that it may not be.

    Attributes:
        accepts: whether it may be this.
        remedy: what to do, or what to do about this value.
        what: is wrong. ``{key}`` and ``{value}`` are filled in, here and in the remedy.
        required: whether a key that is not there counts as null, and not as right.
    """

    accepts: Callable[[Any], bool]
    remedy: str | Callable[[Any], str]
    what: str = _REFUSED
    required: bool = False

    def check(self, key: str, value: object, *, source: str = "") -> None:
        """Refuse a value.

        Args:
            key: as it would be typed.
            value: of it.
            source: the file that it stands in, if it was not typed.

        Raises:
            SegkitError: with the key and what it may be.
        """
        if self.accepts(value):
            return
        words = {"key": key, "value": repr(value) if isinstance(value, str) else _plain(value)}
        raise SegkitError(
            self.what.format(**words),
            where=f"{source}, " * bool(source) + f"{key}={_plain(value)}",
            remedy=self.remedy.format(**words)
            if isinstance(self.remedy, str)
            else self.remedy(value),
        )


Rules = Mapping[str, Rule]
_MISSING = object()


def check(config: Mapping[str, Any], rules: Rules) -> None:
    """Refuse what a configuration cannot be, key by key; keys that it lacks are passed over.

    Raises:
        SegkitError: with the first key whose value is wrong, and what it may be.
    """
    for key, rule in rules.items():
        value = lookup(config, key, _MISSING)
        if value is not _MISSING or rule.required:
            rule.check(key, None if value is _MISSING else value)


def lookup(config: Mapping[str, Any], key: str, default: object = None) -> Any:
    """The value of a dotted key, or ``default`` where the configuration does not have it."""
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return value


def choice(*options: object, what: str = _REFUSED, remedy: str = "") -> Rule:
    """One of these, and nothing that merely equals one, as 1 equals true."""
    names = [_plain(option) for option in options]
    return Rule(_among(options), remedy or (lambda value: did_you_mean(_plain(value), names)), what)


def number(
    low: float,
    high: float = math.inf,
    *,
    also: tuple[object, ...] = (),
    whole: bool = False,
    above: bool = False,
    remedy: str = "",
) -> Rule:
    """A number within bounds, both included unless ``above`` leaves the lower one out.

    Args:
        low: the lower bound.
        high: the upper bound; infinity, which is no number here, is none.
        also: values that it may be, too.
        whole: take no fractions.
        above: take no ``low``.
        remedy: in place of a sentence made of all these.
    """
    kind = "whole number" if whole else "number"
    reach = f"of {low} or more" if high == math.inf else f"from {low} to {high}"
    reach = f"above {low}" if above else reach
    words = [f"give a {kind} {reach}", *map(_plain, also)]
    listed = ", ".join(words[:-1]) + f", or {words[-1]}" if also else words[0]
    among = _among(also)

    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
            return among(value)
        given: Any = value  # never a float: a whole number may be too large for one
        return low <= given <= high and abs(given) != math.inf and not (above and given == low)

    return Rule(accepts, remedy or listed, f"{{value}} is not a {kind} {reach}")


def whole(
    low: int, high: float = math.inf, *, also: tuple[object, ...] = (), remedy: str = ""
) -> Rule:
    """A whole number within bounds; see :func:`number`."""
    return number(low, high, also=also, whole=True, remedy=remedy)


def _among(options: tuple[object, ...]) -> Callable[[Any], bool]:
    return lambda value: any(type(value) is type(one) and value == one for one in options)


def _plain(value: object) -> str:
    """As it would be typed."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_plain, value))}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


# A word such as `no` would otherwise count as true.
SWITCH = choice(True, False, remedy="give true or false")
PROBABILITY = number(0, 1)
