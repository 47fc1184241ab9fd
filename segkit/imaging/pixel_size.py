"""How large a pixel is, where a file says.

A TIFF does as OME-XML, as ImageJ does, or by its tags; DICOM by its spacing in the patient.
"""

import html
import math
import re
from contextlib import suppress
from typing import IO, Any

import tifffile

from segkit.imaging.formats import dicom
from segkit.imaging.formats.base import HEAD
from segkit.imaging.quiet import without_tifffile_log
from segkit.imaging.tiff_checks import MAGIC, check_chain

# Height and width in µm.
PixelSize = tuple[float, float]

MICROMETRES = {
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    # The micro sign, the Greek letter, and without either.
    **dict.fromkeys(("\u00b5m", "\u03bcm", "um", "micron", "microns", "micrometer"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
}
_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b([^>]*)>")
_CENTIMETRE = 3
# What screens and printers have an inch: of a picture it says nothing.
_PRINTED = (72, 96, 100, 150, 200, 300, 600, 1200)


def pixel_size(stream: IO[bytes]) -> PixelSize | None:
    """Height and width of a pixel in µm; None where the file does not say.

    Resolutions in inches are of print, and so are those in centimetres that are round ones in
    inches: neither is taken. What a damaged file says is not known.

    Args:
        stream: of an image file of any kind.
    """
    head = stream.read(HEAD)
    if dicom.FORMAT.known(head):
        stream.seek(0)
        return dicom.spacing(stream)
    if head[:4] not in MAGIC:
        return None
    with suppress(Exception):  # reading its pixels says what is wrong with it
        check_chain(stream)
        with without_tifffile_log(), tifffile.TiffFile(stream, _multifile=False) as tiff:
            if tiff.ome_metadata:
                found = _ome(tiff.ome_metadata)
            elif tiff.imagej_metadata:
                found = _imagej(tiff.imagej_metadata, tiff.pages.first.tags)
            else:
                found = _plain(tiff.pages.first.tags)
        if found and all(math.isfinite(side) and side > 0 for side in found):
            return found
    return None


def _ome(text: str) -> PixelSize | None:
    """Of the first image; what has no unit is in µm (OME-TIFF, schema 2016-06)."""
    if (pixels := _PIXELS.search(text)) is None:
        return None

    def said(name: str) -> str | None:
        found = re.search(rf"""\b{name}\s*=\s*(["'])(.*?)\1""", pixels[1])
        return html.unescape(found[2]) if found else None

    sides = [(said(f"PhysicalSize{axis}"), said(f"PhysicalSize{axis}Unit")) for axis in "YX"]
    height, width = (
        float(size) * MICROMETRES[(unit or "um").strip()] if size else math.nan
        for size, unit in sides
    )
    return height, width


def _imagej(said: dict[str, Any], tags: Any) -> PixelSize | None:
    unit = said.get("unit")
    height, width = (
        _scale(said.get(f"{axis}unit", unit)) / _per_unit(tags[f"{axis.upper()}Resolution"].value)
        for axis in "yx"
    )
    return height, width


def _scale(unit: Any) -> float:
    """Micrometres of a unit; ImageJ writes what is not ASCII as Java does."""
    return MICROMETRES[str(unit).replace("\\u00B5", "\u00b5").strip()]


def _plain(tags: Any) -> PixelSize | None:
    if tags["ResolutionUnit"].value != _CENTIMETRE:
        return None
    down, across = (_per_unit(tags[name].value) for name in ("YResolution", "XResolution"))
    if any(math.isclose(across * 2.54, printed, rel_tol=2e-3) for printed in _PRINTED):
        return None
    return 1e4 / down, 1e4 / across


def _per_unit(value: tuple[int, int]) -> float:
    return value[0] / value[1]
