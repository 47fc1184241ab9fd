"""OME-Zarrs as the zarr package writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zarr
from numpy.typing import NDArray


def write_zarr(
    path: Path,
    pixels: NDArray[Any],
    axes: str = "yx",
    *,
    version: int = 2,
    names: Sequence[str] = (),
    unit: str | None = "micrometer",
    level: str = "0",
    **options: Any,
) -> Path:
    """An image of one level, 0.4 in Zarr's version 2 or 0.5 in 3; a pixel is 0.5 by 0.25 units."""
    group = zarr.open_group(str(path), mode="w", zarr_format=2 if version == 2 else 3)
    options.setdefault("chunks", tuple(min(side, 32) for side in pixels.shape))
    array: Any = group.create_array(level, shape=pixels.shape, dtype=pixels.dtype, **options)
    array[...] = pixels
    said = attributes(axes, names, unit, level)
    group.attrs.update(said if version == 2 else {"ome": {"version": "0.5", **said}})
    return path


def attributes(
    axes: str, names: Sequence[str] = (), unit: str | None = "micrometer", level: str = "0"
) -> dict[str, Any]:
    """What an image says of itself."""
    kinds = {"t": "time", "c": "channel"}
    listed: list[dict[str, str]] = [{"name": a, "type": kinds.get(a, "space")} for a in axes]
    if unit is not None:
        listed = [one | ({"unit": unit} if one["name"] in "zyx" else {}) for one in listed]
    scale = [{"y": 0.5, "x": 0.25}.get(axis, 1.0) for axis in axes]
    steps = [{"type": "scale", "scale": scale}]
    said: dict[str, Any] = {
        "multiscales": [
            {
                "version": "0.4",
                "axes": listed,
                "datasets": [{"path": level, "coordinateTransformations": steps}],
            }
        ]
    }
    if names:
        said["omero"] = {"channels": [{"label": name} for name in names]}
    return said
