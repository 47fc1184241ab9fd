"""Shapes of LabelMe JSON as pixels: polygons, rectangles and circles."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.imaging.coco_shapes import outlined
from segkit.imaging.objects import Part

# Pixels by which a circle may differ from the polygon that is drawn, and its most corners.
_OFF, _CORNERS = 0.02, 2000


def drawn_shapes(shapes: Sequence[Any], size: tuple[int, int]) -> Part:
    """The pixels of the shapes of one object, in the smallest columns that hold them.

    Args:
        shapes: as LabelMe writes them, of which the union counts.
        size: rows and columns of the image.

    Raises:
        ValueError: one has no area, or is not written as LabelMe does.
    """
    return outlined([_ring(one).ravel().tolist() for one in shapes], size)


def _ring(shape: Any) -> NDArray[np.float64]:
    """(corners, 2) of a shape: x and y."""
    kind = shape.get("shape_type") or "polygon"
    try:
        points = np.asarray(shape.get("points"), np.float64)
    except (TypeError, ValueError, OverflowError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError("a shape without a list of points")
    if kind == "rectangle" and len(points) == 2:
        (left, top), (right, bottom) = points
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    if kind == "circle" and len(points) == 2:
        return _circle(points[0], float(np.hypot(*(points[1] - points[0]))))
    if kind in ("polygon", "rectangle"):
        return points
    raise ValueError(f"a shape of the type {str(kind)[:40]!r}, of which only the outline is known")


def _circle(centre: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    flat = math.acos(max(1 - _OFF / radius, 0)) if radius > 0 else math.pi
    corners = min(max(math.ceil(math.pi / max(flat, 1e-9)), 8), _CORNERS)
    angles = 2 * math.pi * np.arange(corners) / corners
    return np.asarray(centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1))
