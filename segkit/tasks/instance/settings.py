"""What the decoder of objects can be set to; none of this imports NumPy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the decoder.

    Attributes:
        threshold: on the foreground's probability, 0…1.
        seed_threshold: the core of an object is where distance · (1 - contact), smoothed, exceeds
            it, 0…1.
        min_area: of an object, in pixels; smaller ones are dropped.
    """

    threshold: float = 0.5
    seed_threshold: float = 0.3
    min_area: int = 10
