"""How the networks look at an image: whole or in tiles, from how many sides, and on what device."""

from dataclasses import dataclass

from segkit.core.errors import SegkitError
from segkit.core.values import check, choice, number, whole

# Megapixels above which an image is cut into tiles; their side and overlap in pixels.
LARGE, TILE, OVERLAP = 64, 512, 64
TTA = ("none", "flip", "rotate")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "bf16-mixed", "32-true")
_RULES = {
    "tile": whole(1, also=(None,)),
    "overlap": whole(0),
    "scale": number(0, above=True),
    "tta": choice(*TTA),
}


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
        check({key: getattr(self, key) for key in _RULES}, _RULES)
        if self.tile is not None and not self.overlap < self.tile:
            raise SegkitError(
                "a tile must be larger than the overlap of two",
                where=f"tile={self.tile} overlap={self.overlap}",
                remedy=f"for example overlap={self.tile // 8}, or tile=512 overlap=64",
            )
        if self.tile is None and self.scale != 1:
            raise SegkitError(
                "only tiles are scaled; a whole image is resized to the run's own size",
                where=f"scale={self.scale} tile=null",
                remedy="add tile=512, or leave scale= out",
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
