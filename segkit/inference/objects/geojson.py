"""Objects as GeoJSON (RFC 7946), for QuPath: in pixels from the image's upper left corner."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.files import atomic_path
from segkit.imaging.windows import Sliced, windows
from segkit.inference.objects.measure import Columns, table_rows
from segkit.inference.objects.rings import Ring, polygons


def write_geojson(
    path: Path,
    labels: Sliced,
    *,
    measurements: Columns | None = None,
    kind: str | None = None,
) -> None:
    """Write every object of a label image as a feature that is named by its label.

    Outlines follow the edges of pixels, so that filling them gives the labels back. Features are
    written one after the other, from the top down; the file appears whole or not at all.

    Args:
        path: of the file.
        labels: (H, W) integers, read by bands.
        measurements: of every object, as :func:`~segkit.inference.objects.measure.measure` gives
            them; what is not finite is left out.
        kind: QuPath's classification of the objects, such as ``Nucleus``.

    Raises:
        SegkitError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write('{"type":"FeatureCollection","features":[')
        for number, feature in enumerate(_features(labels, measurements, kind)):
            stream.write(",\n" if number else "\n")
            json.dump(feature, stream, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        stream.write("\n]}\n")


def _features(
    labels: Sliced, measured: Columns | None, kind: str | None
) -> Iterator[dict[str, Any]]:
    for window in windows(labels):
        rows = _rows(measured, window.ids)
        for (label, top, left, mask), row in zip(window.objects(), rows, strict=True):
            properties: dict[str, Any] = {"objectType": "detection", "name": str(label)}
            if kind is not None:
                properties["classification"] = {"name": kind}
            if row:
                properties["measurements"] = {
                    name: value
                    for name, value in row.items()
                    if name != "label" and math.isfinite(value)
                }
            parts = [list(map(_closed, part)) for part in polygons(mask, top=top, left=left)]
            one = len(parts) == 1
            yield {
                "type": "Feature",
                "geometry": {
                    "type": "Polygon" if one else "MultiPolygon",
                    "coordinates": parts[0] if one else parts,
                },
                "properties": properties,
            }


def _rows(measured: Columns | None, ids: NDArray[np.int64]) -> Iterable[dict[str, float]]:
    """Those of some labels, in their order; without measurements empty ones."""
    if measured is None:
        return ({} for _ in ids)
    places = np.searchsorted(measured["label"], ids)
    return table_rows({name: column[places] for name, column in measured.items()})


def _closed(ring: Ring) -> list[list[int]]:
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]
