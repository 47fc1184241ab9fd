"""How the networks look at an image: whole or in tiles, from how many sides, and on what device."""

from dataclasses import dataclass
from numbers import Integral, Real

from segkit.core.errors import SegkitError, did_you_mean

# Megapixels above which an image is cut into tiles; their side and overlap in pixels.
LARGE, TILE, OVERLAP = 64, 512, 64
TTA = ("none", "flip", "rotate")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "bf16-mixed", "32-true")


@dataclass(frozen=True, slots=True)
class View:
    """How the networks look at an image.

    Attributes:
        tile: side of the tiles in pixels; None resizes the whole image to each run's size.
        overlap: of neighbouring tiles, in pixels.
        scale: factor on the image's pixels before it is cut into tiles.
        tta: none; flip (the mean over 4 mirror images); or rotate (over all 8 of the square).
    """

    tile: int | None = None
    overlap: int = 64
    scale: float = 1.0
    tta: str = "none"

    def __post_init__(self) -> None:
        lengths = [self.overlap] if self.tile is None else [self.overlap, self.tile]
        if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in lengths):
            raise SegkitError(
                "tile and overlap are whole numbers of pixels",
                where=f"tile={self.tile} overlap={self.overlap}",
                remedy="for example tile=512 overlap=64",
            )
        if self.tile is not None and not 0 <= self.overlap < self.tile:
            raise SegkitError(
                "a tile must be larger than the overlap of two",
                where=f"tile={self.tile} overlap={self.overlap}",
                remedy="for example tile=512 overlap=64",
            )
        number = isinstance(self.scale, Real) and not isinstance(self.scale, bool)
        if not number or not 0 < self.scale < float("inf"):
            raise SegkitError(
                "a scale is a number above 0", where=f"scale={self.scale}", remedy="scale=1"
            )
        if self.tile is None and self.scale != 1:
            raise SegkitError(
                "only tiles are scaled; a whole image is resized to the run's own size",
                where=f"scale={self.scale} tile=null",
                remedy="add tile=512, or leave scale= out",
            )
        if self.tta not in TTA:
            raise SegkitError(
                f"unknown tta {self.tta!r}", where="tta", remedy=did_you_mean(self.tta, TTA)
            )


@dataclass(frozen=True, slots=True)
class Large:
    """Images that are too large to be answered whole, and the tiles they are cut into.

    Attributes:
        pixels: above which an image is one.
        tile: side of the tiles, in pixels.
        overlap: of neighbouring tiles, in pixels.

    Raises:
        SegkitError: a tile that is not larger than the overlap.
    """

    pixels: int = LARGE * 10**6
    tile: int = TILE
    overlap: int = OVERLAP

    def __post_init__(self) -> None:
        self.view()

    def view(self) -> View:
        """The networks' view of such an image."""
        return View(self.tile, self.overlap)
