"""Numbers as people read them."""

import math
from typing import Any


def shown(value: object) -> str:
    """A number as people read it; what is not finite, or not there, is "undefined"."""
    if value is None or value == "":
        return "undefined"
    try:
        return str(int(value)) if isinstance(value, int | str) else f"{_finite(value):.4f}"
    except ValueError:
        pass
    try:
        return f"{_finite(value):.4f}"
    except ValueError:
        named = str(value).strip().lower().lstrip("+-")
        return "undefined" if named in ("nan", "inf", "infinity") else str(value)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def is_finite(value: object) -> bool:
    """Whether this is a number, or text of one, that can be drawn."""
    try:
        _finite(value)
    except (TypeError, ValueError):
        return False
    return True
