"""What the axes of an image file of many planes are, and which of its planes are the image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX, MEAN, SLICES = "max", "mean", "slices"
# Rows, columns, channels; and what planes are stacked along.
LETTERS = "YXCZT"


@dataclass(frozen=True, slots=True)
class Planes:
    """How files of many planes are read; one of a single plane is not changed by it.

    Attributes:
        axes: a letter of :data:`LETTERS` for each axis that has more than one place, for files of
            so many axes; None takes what they say themselves.
        z: the image of a stack: ``max`` or ``mean`` over its planes, or the plane of this number,
            from 0; or ``slices``: each plane is an image of its own. None: none is.
    """

    axes: str | None = None
    z: int | str | None = None


PLAIN = Planes()


def are_axes(value: Any) -> bool:
    """Whether it is one letter for each axis, rows and columns among them."""
    return value is None or (
        isinstance(value, str)
        and set(value) <= set(LETTERS)
        and len(set(value)) == len(value)
        and {"Y", "X"} <= set(value)
    )


def is_choice(value: Any) -> bool:
    """Whether it says which planes are the image."""
    return value in (None, MAX, MEAN, SLICES) or (type(value) is int and value >= 0)


def planes_of(settings: Mapping[str, Any]) -> Planes:
    """Those of a data set's settings, or of a command's; many data sets have none."""
    return Planes(settings.get("axes"), settings.get("z"))
