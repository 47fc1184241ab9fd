"""An image read some rows at a time: what fits into memory whole, and TIFF files that do not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.home import at_home
from segkit.core.intensity import STORED
from segkit.core.limits import check_bytes
from segkit.core.planes import PLAIN, Planes
from segkit.core.view import LARGE
from segkit.imaging.channels import flat
from segkit.imaging.formats import zarr
from segkit.imaging.intensity import Rule
from segkit.imaging.pixels import Pixels, decode, decode_picture, to_uint8
from segkit.imaging.tiff_bands import DAMAGED, open_tiff
from segkit.imaging.tiff_checks import MAGIC

Bytes = NDArray[np.uint8]
_AGAIN = "start the command again"


class Rows(Protocol):
    """An image of 0…255; ``size`` is rows and columns."""

    size: tuple[int, int]

    def rows(self, top: int, bottom: int) -> Bytes:
        """Rows top…bottom-1, (h, W) or (h, W, C) uint8."""


class Opened(Rows, Protocol):
    """An image as it was opened, of which what was stored can be read, too.

    ``depth`` is the type of what it stores, such as ``uint16``; ``channels`` is what its file
    calls its channels: all of them, or none.
    """

    channels: tuple[str, ...]

    @property
    def depth(self) -> str: ...

    def stored(self, top: int, bottom: int) -> Pixels:
        """The same rows before they were brought to 0…255, (h, W) or (h, W, C)."""


class ArrayRows:
    """An image in memory.

    Args:
        image: (H, W) or (H, W, C) uint8.
        stored: gives it as it was stored, where that is another array.
        depth: the type of what is stored.
        channels: their names, where its file has some.
    """

    def __init__(
        self,
        image: Bytes,
        stored: Callable[[], Pixels] | None = None,
        depth: str = "uint8",
        channels: tuple[str, ...] = (),
    ) -> None:
        self.image, self.depth, self.channels = image, depth, channels
        self.size = (image.shape[0], image.shape[1])
        self._again, self._stored = stored, None if stored else flat(image)

    def rows(self, top: int, bottom: int) -> Bytes:
        return self.image[top:bottom]

    def stored(self, top: int, bottom: int) -> Pixels:
        if self._stored is None:
            assert self._again is not None
            self._stored = flat(self._again())
        return self._stored[top:bottom]


def decoded(
    read: Callable[[], bytes], name: str, rule: Rule = STORED, *, planes: Planes = PLAIN
) -> ArrayRows:
    """An image file decoded whole; once more where what it stores is asked for and is no more.

    Args:
        read: gives its bytes.
        name: what to call it in an error.
        rule: of intensities.
        planes: which of many are the image.

    Raises:
        SegkitError: it is damaged, or larger than the bound.
    """
    picture = decode_picture(read(), name, planes=planes)
    # A range of intensities is of what was measured, such as Hounsfield units.
    measured = isinstance(rule, tuple)
    pixels, names = picture.values(measured=measured), picture.channels
    shape, image = pixels.shape, to_uint8(pixels, name, rule)

    def again() -> Pixels:
        if (found := decode(read(), name, planes=planes, measured=measured)).shape != shape:
            raise SegkitError("the file changed while it was in use", where=name, remedy=_AGAIN)
        return found

    return ArrayRows(image, None if image is pixels else again, str(pixels.dtype), names)


def open_rows(path: Path, large: int, rule: Rule = STORED, *, planes: Planes = PLAIN) -> Opened:
    """Open an image file: whole, or by rows where it has more than ``large`` pixels.

    Read by rows are TIFFs of a single plane of 8 or 16 bits, strips or tiles, packed or not; and
    OME-Zarrs of 8 or 16 bits. Anything else
    is decoded whole; so is, in effect, a packed TIFF whose rows are all in one strip, since a strip
    is unpacked as one. The bound of :mod:`segkit.core.limits` is on what is in memory at once.

    Raises:
        SegkitError: the file cannot be read, is damaged, or is larger than the bound.
    """
    if zarr.is_zarr_group(path):
        lazy = zarr.open_by_rows(path, large, rule, planes)
        return lazy or decoded(
            lambda: zarr.open_folder(path).read(), str(path), rule, planes=planes
        )
    with _reading(path):
        with path.open("rb") as stream:
            is_tiff = stream.read(4) in MAGIC
        if is_tiff and (tiff := open_tiff(path, large, rule)) is not None:
            return tiff
        check_bytes(path.stat().st_size, "a file", str(path))
    return decoded(lambda: _bytes(path), str(path), rule, planes=planes)


def _bytes(path: Path) -> bytes:
    with _reading(path):
        return path.read_bytes()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SegkitError(
            f"a file that cannot be read: {error.strerror or error}",
            where=str(path),
            remedy=DAMAGED if path.is_file() else "name one image file",
        ) from error


def rows_of(
    image: Pixels | str | Path, *, tiled: bool, rule: Rule = STORED, planes: Planes = PLAIN
) -> Opened:
    """An image that was given as an array, or as the path of its file.

    Args:
        image: see :func:`as_rows` and :func:`open_rows`.
        tiled: whether a TIFF of any size is read by rows, or a large one alone.
        rule: of intensities.
        planes: which of a file's many are the image.

    Raises:
        SegkitError: see :func:`as_rows` and :func:`open_rows`.
    """
    if isinstance(image, str | Path):
        large = 0 if tiled else LARGE * 10**6
        return open_rows(at_home(image, "image"), large, rule, planes=planes)
    return as_rows(np.asarray(image), rule)


def as_rows(image: Pixels, rule: Rule = STORED) -> ArrayRows:
    """An array of any depth that training reads; see :func:`segkit.imaging.pixels.to_uint8`.

    Raises:
        SegkitError: not (H, W) or (H, W, C), or a value that is not finite.
    """
    if image.ndim not in (2, 3):
        raise SegkitError(
            f"an array of shape {image.shape} is not an image",
            where="image",
            remedy="give (rows, columns) or (rows, columns, channels)",
        )
    if not image.size:
        raise SegkitError("an image without pixels", where="image", remedy="give one that has some")
    return ArrayRows(to_uint8(image, "image", rule), lambda: image, str(image.dtype))
