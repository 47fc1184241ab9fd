"""Objects as a ROI zip, for Fiji's ROI Manager.

Corners of pixels, not their centres, are the coordinates: what ImageJ's wand makes of a pixel, too,
so that ``Roi.getMask`` gives the object's pixels and no half pixel is lost on either side.
"""

import zipfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segkit.core.errors import require_packages
from segkit.core.files import atomic_path
from segkit.imaging.windows import Sliced, windows
from segkit.inference.objects.rings import Ring, polygons

if TYPE_CHECKING:
    from roifile import ImagejRoi

# What 16 bits hold, as ImageJ reads them; a composite's path is of 32-bit floats.
_FARTHEST, _MOST_CORNERS = 60_000, 2**16 - 1
_MOVE, _LINE, _CLOSE = 0, 1, 4  # segments of java.awt.geom.PathIterator


def write_rois(path: Path, labels: Sliced) -> None:
    """Write every object of a label image as a ROI that is named by its label, from the top down.

    One ring is a traced ROI; what has holes or several parts is a composite. The zip is written
    anew, whole or not at all: nothing of an earlier one stays in it.

    Args:
        path: of the zip.
        labels: (H, W) integers, read by bands.

    Raises:
        SegkitError: roifile is not installed, or the file cannot be written.
    """
    require_packages("roifile", extra="rois")
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for window in windows(labels):
            for label, top, left, mask in window.objects():
                name = f"{label:05d}"
                parts = list(polygons(mask, top=top, left=left))
                # Without a date, the same objects are the same bytes.
                entry = zipfile.ZipInfo(f"{name}.roi")
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, _roi(name, list(chain(*parts))).tobytes())


def _roi(name: str, rings: list[Ring]) -> "ImagejRoi":
    from roifile import ROI_TYPE, ImagejRoi  # noqa: PLC0415 - an extra

    corners = np.concatenate(rings)
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    roi = ImagejRoi(name=name, top=top, left=left, bottom=bottom, right=right)
    if len(rings) == 1 and max(right, bottom) <= _FARTHEST and len(corners) <= _MOST_CORNERS:
        roi.roitype, roi.n_coordinates = ROI_TYPE.TRACED, len(corners)
        roi.integer_coordinates = (corners - [left, top]).astype(np.int32)
        return roi
    path: list[float] = []
    for ring in rings:
        segments = np.column_stack([np.full(len(ring), _LINE), ring])
        segments[0, 0] = _MOVE
        path += [*segments.ravel().tolist(), _CLOSE]
    roi.roitype, roi.shape_roi_size = ROI_TYPE.RECT, len(path)
    roi.multi_coordinates = np.array(path, np.float32)
    return roi
