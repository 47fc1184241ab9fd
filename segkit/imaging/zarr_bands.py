"""Level 0 of an OME-Zarr: read by rows, or whole as the TIFF that holds the same.

Importing it takes zarr, which is an extra.
"""

import io
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED
from segkit.core.limits import check_bytes, check_memory, check_pixels
from segkit.core.planes import Planes
from segkit.imaging.channels import flat
from segkit.imaging.intensity import Rule, Window, scaled
from segkit.imaging.ngff import inside
from segkit.imaging.row_windows import window_of_rows
from segkit.imaging.stacks import check_one, one_image, settled
from segkit.imaging.zarr_codec import Bounded
from segkit.imaging.zarr_metadata import BOUNDED, Level

Pixels = NDArray[Any]
# Rows that are in memory at once: tiles, and what overlaps.
_BAND = 1024
# Chunks that zarr unpacks at once.
_AT_ONCE = 10
# Pixels that a byte on the disk may stand for beyond the bound, as in a TIFF.
_MOST_PACKED = 2000
# What OME-XML has a name for; of others a TIFF's description has the axes alone.
_OME = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")

zarr.registry.register_codec(BOUNDED, Bounded)


class OpenLevel(Level):
    """The same, with its pixels.

    Attributes:
        packed: bytes of its files.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.packed = _checked_bytes(self.said.array, self.said.root, str(path))
        place = zarr.storage.StorePath(zarr.storage.LocalStore(self.said.array, read_only=True))
        metadata: Any = self.stored.metadata
        self._array: Any = zarr.Array(zarr.AsyncArray(metadata, place))

    def band_bytes(self, rows: int) -> int:
        """What so many rows take while they are read."""
        shape, chunks = self.stored.shape, self.stored.chunks
        pieces = math.prod(-(-a // b) for a, b in zip(shape, chunks, strict=True))
        values = math.prod(shape) // self.sizes["Y"] * rows
        return (values + min(pieces, _AT_ONCE) * math.prod(chunks)) * self.stored.kind.itemsize

    def read(self, top: int, bottom: int) -> Pixels:
        """Rows top…bottom-1 of all planes and channels, with :attr:`axes`."""
        rows = slice(top, bottom)
        wanted = {axis: rows if axis == "Y" else slice(None) for axis in self.sizes}
        found = np.asarray(self._array[tuple(wanted.values())])
        return found.reshape(
            [n for n, a in zip(found.shape, wanted, strict=True) if a in self.axes]
        )


def _checked_bytes(folder: Path, root: Path, name: str) -> int:
    """Bytes of the files in a folder, which are files indeed, and in the image's own folder."""
    total = largest = 0
    for place, folders, files in os.walk(folder):
        for each in (*folders, *files):
            path = Path(place, each)
            if path.is_symlink():
                inside(root, str(path.relative_to(root)))
        for each in files:
            status = Path(place, each).stat()
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{each} is no file")
            total, largest = total + status.st_size, max(largest, status.st_size)
    check_bytes(largest, "a chunk", name)
    return total


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except SegkitError:
        raise
    except Exception as error:  # JSON, zarr and every codec have their own families of exceptions
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise SegkitError(
            f"an OME-Zarr that cannot be read: {reason}", where=name, remedy="write it again"
        ) from error


def as_tiff(path: Path) -> bytes:
    """Level 0, all planes and channels, as an OME-TIFF: what is read of that is read of it.

    Raises:
        SegkitError: it cannot be read, or is larger than the bound.
    """
    with _reading(str(path)):
        level = OpenLevel(path)
        height, width = level.sizes["Y"], level.sizes["X"]
        kind, name = level.stored.kind, str(path)
        check_pixels(height, width, name)
        check_bytes(level.band_bytes(height), "an image", name)
        check_memory(height, width, name, deep=kind.itemsize > 1)
        axes = "".join(axis for axis in "TZCYX" if axis in level.axes)
        said: dict[str, Any] = {"axes": axes}
        if names := level.channels:
            said["Channel"] = {"Name": list(names)}
        if size := level.said.pixel_size:
            said |= {"PhysicalSizeY": size[0], "PhysicalSizeX": size[1]}
        pixels = level.read(0, height).transpose([level.axes.index(axis) for axis in axes])
        stream = io.BytesIO()
        tifffile.imwrite(
            stream, pixels, ome=kind.name in _OME, photometric="minisblack", metadata=said
        )
        return stream.getvalue()


def open_by_rows(path: Path, large: int, rule: Rule, planes: Planes) -> "ZarrRows | None":
    """Open level 0 of more than ``large`` pixels; None if it must be read whole.

    Args:
        path: of the image's folder.
        large: see above.
        rule: of intensities, which looks at the whole image first.
        planes: which of many are the image.

    Raises:
        SegkitError: it cannot be read, or its chunks are larger than the bound.
    """
    with _reading(str(path)):
        level = OpenLevel(path)
        known = level.stored.kind in (np.uint8, np.uint16, np.int16)
        if not known or level.sizes["Y"] * level.sizes["X"] <= large:
            return None
        shape = [level.sizes[axis] for axis in level.axes]
        _, axes = settled(level.axes, tuple(shape), 1, str(path), planes)
        check_one(tuple(shape), axes, str(path), planes.z)
        if any(axes.index(axis) != level.axes.index(axis) for axis in "YX"):
            return None  # the settings call others rows and columns
        return ZarrRows(level, axes, str(path), rule, planes.z)


class ZarrRows:
    """An image of which only the rows that are asked for are unpacked, with their chunks.

    Args:
        level: of 8 or 16 bits.
        axes: what its axes of more than one place are.
        name: what to call it in an error.
        rule: of intensities.
        z: which of many planes are the image.

    Attributes:
        channels: what they are called.

    Raises:
        SegkitError: rows that memory may not hold.
    """

    def __init__(
        self, level: OpenLevel, axes: str, name: str, rule: Rule, z: int | str | None
    ) -> None:
        self._level, self._axes, self._name, self._z = level, axes, name, z
        self.size = (level.sizes["Y"], level.sizes["X"])
        self.channels, self.depth = level.channels, level.stored.kind.name
        # Low chunks together: each piece has its price.
        high = level.stored.chunks[level.said.axes.index("Y")]
        self._high = high * max(1, _BAND // 2 // high)
        rows = min(max(_BAND, self._high), self.size[0])
        check_bytes(level.band_bytes(rows), f"a band of {rows} rows", name)
        if math.prod(self.size) > _MOST_PACKED * level.packed:
            check_pixels(*self.size, name)
        self._kept: tuple[int, Pixels] = (-1, np.zeros(0))
        self._window: Window | None = None
        if rule != STORED or level.stored.kind != np.uint8:
            self._window = window_of_rows(self.stored, self.size[0], rule, level.stored.kind)

    def rows(self, top: int, bottom: int) -> NDArray[np.uint8]:
        stored = self.stored(top, bottom)
        return stored if self._window is None else scaled(stored, self._window)

    def stored(self, top: int, bottom: int) -> Pixels:
        numbers = range(top // self._high, -(-bottom // self._high))
        parts = []
        for number in numbers:
            start = number * self._high
            parts.append(self._block(number)[max(top - start, 0) : bottom - start])
        return flat(parts[0] if len(parts) == 1 else np.concatenate(parts))

    def _block(self, number: int) -> Pixels:
        """Rows of chunks; the last are kept, since the next band begins in them."""
        if self._kept[0] != number:
            top = number * self._high
            with _reading(self._name):
                found = self._level.read(top, min(top + self._high, self.size[0]))
            self._kept = (number, one_image(found, self._axes, self._name, self._z))
        return self._kept[1]
