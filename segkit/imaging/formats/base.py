"""What a format of image files is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

from segkit.core.planes import PLAIN, Planes

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


# Of the patient, in the order of NIfTI: from left to right, from back to front, from feet to head.
AXES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True, slots=True)
class Slicing:
    """How volumes are cut into slices.

    Attributes:
        axis: axial, coronal or sagittal, of files that say how the patient lies in them.
        planes: of TIFF and DICOM, which are cut where it says so.
    """

    axis: str = "axial"
    planes: Planes = PLAIN


class Stack(Protocol):
    """The slices of a volume, in memory; its length is how many they are."""

    def __len__(self) -> int: ...

    def picture(self, number: int) -> Picture:
        """One slice, in what its values stand for."""

    def indices(self, number: int) -> Pixels | None:
        """The same as a mask has it, where that is something else."""

    def voxels(self) -> tuple[Pixels, float, float]:
        """All slices, (S, H, W) or (S, H, W, C).

        And a slope and an offset: a voxel times the one plus the other is what it stands for.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Voxels:
    """A stack of a file that was decoded at once.

    Attributes:
        pixels: (S, H, W) or (S, H, W, C), as stored.
        slope, offset: see :meth:`Stack.voxels`.
    """

    pixels: Pixels
    slope: float = 1.0
    offset: float = 0.0

    def __len__(self) -> int:
        return len(self.pixels)

    def picture(self, number: int) -> Picture:
        plane: Pixels = self.pixels[number]
        plain = (self.slope, self.offset) == (1, 0)
        return Picture(plane if plain else plane * self.slope + self.offset)

    def indices(self, number: int) -> None:
        del number

    def voxels(self) -> tuple[Pixels, float, float]:
        return self.pixels, self.slope, self.offset


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A file of slices, of which the header alone has been read.

    Attributes:
        slices: how many.
        size: rows and columns of each.
        read: decodes them; of a damaged file it raises what it likes.
        affine: (4, 4), from (column, row, slice) to mm in the patient, where the file says; files
            of one patient lie on one grid where these are alike.
    """

    slices: int
    size: tuple[int, int]
    read: Callable[[], Stack]
    affine: NDArray[np.float64] | None = None


Open = Callable[[], IO[bytes]]


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
        volume: reads the header of a file that ``Open`` opens, which is called by a name in errors;
            gives None where it holds no volume, or is not to be cut. It is asked by the suffix of
            the file's name. Of a damaged file it raises what it likes.
        mask: suffix of the masks that are predicted of its volumes, on their own grid; "" where
            images are predicted plane by plane.
    """

    name: str
    suffixes: tuple[str, ...]
    known: Callable[[bytes], bool]
    read: Callable[[bytes, str, bool], Picture]
    header: type[ImageFile] | None = None
    stack: Callable[[bytes, str, bool, Planes], Picture] | None = None
    volume: Callable[[Open, str, Slicing], Volume | None] | None = None
    mask: str = ""


def split_alpha(pixels: Pixels) -> Picture:
    """(H, W, 2) or (H, W, 4) of which the last channel is alpha."""
    colours = pixels[..., :-1]
    return Picture(colours[..., 0] if colours.shape[2] == 1 else colours, pixels[..., -1])
