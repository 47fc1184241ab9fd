"""OME-Zarr, a folder; how it is read: :mod:`segkit.imaging.zarr_bands`, which takes an extra."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from segkit.core.errors import require_packages
from segkit.core.planes import Planes
from segkit.imaging.formats.base import Format, Picture
from segkit.imaging.intensity import Rule
from segkit.imaging.tiff_volume import open_stack

if TYPE_CHECKING:
    from segkit.imaging.layout import Layout
    from segkit.imaging.pixel_size import PixelSize
    from segkit.imaging.zarr_bands import ZarrRows

_SUFFIX = ".zarr"


def is_zarr(path: Path) -> bool:
    """Whether a folder is one image: by its name, whatever lies in it."""
    return path.name.lower().endswith(_SUFFIX) and path.is_dir()


def is_zarr_group(path: Path) -> bool:
    """The same of a folder that was named: an image in an OME-Zarr of several has a number."""
    from segkit.imaging.ngff import is_group

    return path.is_dir() and (is_zarr(path) or is_group(path))


def folder_of(name: str) -> str:
    """The OME-Zarr in which a member of an archive lies; "" where it lies in none."""
    parts = PurePosixPath(name).parts
    ends = [n for n, part in enumerate(parts[:-1], 1) if part.lower().endswith(_SUFFIX)]
    return "/".join(parts[: ends[0]]) if ends else ""


def open_folder(path: Path) -> IO[bytes]:
    """What it holds, as an OME-TIFF.

    Raises:
        SegkitError: it cannot be read, is larger than the bound, or zarr is not installed.
    """
    require_zarr()
    from segkit.imaging.zarr_bands import as_tiff

    return io.BytesIO(as_tiff(path))


def open_by_rows(path: Path, large: int, rule: Rule, planes: Planes) -> ZarrRows | None:
    """Open an image of more than ``large`` pixels; None if it must be read whole.

    Raises:
        SegkitError: as :func:`open_folder`.
    """
    require_zarr()
    from segkit.imaging import zarr_bands

    return zarr_bands.open_by_rows(path, large, rule, planes)


def require_zarr() -> None:
    """Refuse to begin without zarr.

    Raises:
        SegkitError: it is not installed.
    """
    require_packages("zarr", extra="zarr")


def spacing(path: Path) -> PixelSize | None:
    """Height and width of a pixel in µm; None where it does not say, or cannot be read."""
    from segkit.imaging.ngff import read_multiscale

    try:
        return read_multiscale(path).pixel_size
    except Exception:  # reading its pixels says what is wrong with it
        return None


def layout(path: Path) -> Layout:
    """Its axes, and what it calls its channels; nothing of one that cannot be read."""
    from segkit.imaging.layout import UNTOLD, Layout
    from segkit.imaging.zarr_metadata import Level

    try:
        level = Level(path)
    except Exception:  # reading its pixels says what is wrong with it
        return UNTOLD
    return Layout(level.axes, level.channels)


def _read(data: bytes, name: str, indexed: bool) -> Picture:
    del data, indexed
    raise ValueError(f"{name} is no folder")


# What is read of the bytes that stand for the folder is read of a TIFF.
FORMAT = Format("OME-Zarr", (".ome.zarr", _SUFFIX), lambda _: False, _read, volume=open_stack)
