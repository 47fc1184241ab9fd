"""What a format of image files is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

from segkit.core.planes import Planes

Pixels = NDArray[Any]
# Of a file, which tell its format: DICOM's stand after 128 others.
HEAD = 132


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as its file stores it.

    Attributes:
        pixels: (H, W) or (H, W, C), any real type; no channel is alpha.
        alpha: (H, W), where the file says that it has one.
        channels: what the file calls its channels, all of them or none.
        measured: (H, W), where pixels are what the file's window makes of them: before it, such
            as in Hounsfield units. What a fixed range of intensities is of.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    channels: tuple[str, ...] = ()
    measured: Pixels | None = None

    def values(self, *, measured: bool) -> Pixels:
        """What a rule of intensities is applied to: pixels, or what was measured."""
        return self.measured if measured and self.measured is not None else self.pixels


@dataclass(frozen=True, slots=True)
class Format:
    """One format; a file of this folder has one, called ``FORMAT``.

    Attributes:
        name: in messages.
        suffixes: of file names, in lower case.
        known: whether a file of this format begins so; it is given the first :data:`HEAD` bytes.
        read: gives the pixels of a file's bytes, which is called by a name in errors; ``indexed``
            keeps the indices of a palette instead of its colours. Of a damaged file it raises what
            it likes.
        header: of Pillow's, where that reads its header.
        stack: the same as ``read``, of a format whose files may hold many planes, by settings.
    """

    name: str
    suffixes: tuple[str, ...]
    known: Callable[[bytes], bool]
    read: Callable[[bytes, str, bool], Picture]
    header: type[ImageFile] | None = None
    stack: Callable[[bytes, str, bool, Planes], Picture] | None = None


def split_alpha(pixels: Pixels) -> Picture:
    """(H, W, 2) or (H, W, 4) of which the last channel is alpha."""
    colours = pixels[..., :-1]
    return Picture(colours[..., 0] if colours.shape[2] == 1 else colours, pixels[..., -1])
