"""Where one image of a scene lies to another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one image lies in the pixels of another, or beside it.

    Attributes:
        first: position in a list of images.
        second: position.
        row: of the second's uppermost row, counted in the first's rows from its first.
        column: likewise, from the left.
        adjoins: whether the two have no pixel in common, but a whole border.
        correlation: along that border, or over the pixels that they have in common; -1 … 1.
    """

    first: int
    second: int
    row: int
    column: int
    adjoins: bool
    correlation: float
