"""What the decoder of objects can be set to; none of this imports NumPy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the decoder.

    Attributes:
        threshold: on the foreground's probability, 0…1.
        seed_threshold: on what a pixel must reach to be the core of an object, 0…1.
        min_area: of an object, in pixels; smaller ones are dropped.
    """

    threshold: float = 0.5
    seed_threshold: float = 0.5
    min_area: int = 10
