"""What the decoder of objects can be set to; none of this imports NumPy."""

from dataclasses import dataclass

# Rows of maps are kept for as long, of an image of any width.
HIGHEST_HALO = 2**13


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the decoder.

    Attributes:
        threshold: on the foreground's probability, 0…1.
        seed_threshold: the core of an object is where distance · (1 - contact), smoothed, exceeds
            it, 0…1.
        min_area: of an object, in pixels; smaller ones are dropped.
        halo: rows above and below a band that are looked at, too, where memory does not hold the
            maps of the whole image: the height of the highest object.
    """

    threshold: float = 0.5
    seed_threshold: float = 0.3
    min_area: int = 10
    halo: int = 128
