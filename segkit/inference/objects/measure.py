"""What objects measure: the columns of ``objects.csv``.

Positions are those of pixel centres: the first pixel's is (0, 0), x to the right, y down. Shapes
are scikit-image's: axes and eccentricity of the ellipse with the object's second moments, solidity
against the convex hull of the pixels' corners, perimeter after Benkrid & Crookes (2000), which is
0 for a single pixel.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import regionprops_table

from segkit.imaging.windows import PIXELS, Sliced, Window, windows

_PIXELS = (
    "area_px",
    "centroid_x_px",
    "centroid_y_px",
    "left_px",  # of the bounding box
    "top_px",
    "width_px",
    "height_px",
    "major_axis_px",
    "minor_axis_px",
    "perimeter_px",
)
_SHAPE = ("orientation_deg", "eccentricity", "solidity", "touches_edge")
_MICROMETRES = (
    "area_um2",
    "centroid_x_um",
    "centroid_y_um",
    "major_axis_um",
    "minor_axis_um",
    "perimeter_um",
)
_ELLIPSE = ("axis_major_length", "axis_minor_length", "orientation", "eccentricity")
_TAKEN = ("label", "area", "centroid", "bbox", "solidity", "perimeter", *_ELLIPSE)
_INTENSITY = {"mean": "intensity_mean", "minimum": "intensity_min", "maximum": "intensity_max"}
_WHOLE = {"label", "area_px", "left_px", "top_px", "width_px", "height_px", "touches_edge"}
# Of a table, that are Python's numbers at once: each object is some kilobytes of them.
_ROWS = 1024

Columns = dict[str, NDArray[Any]]
_properties: Callable[..., Columns] = regionprops_table


def columns(
    channels: Sequence[str] = (), *, probability: bool = False, pixel_size: bool = False
) -> list[str]:
    """The headings of ``objects.csv``, in order.

    Args:
        channels: names of those that are measured.
        probability: whether the foreground probability is.
        pixel_size: whether it is known, and so what objects measure in µm.
    """
    names = ["label", *_PIXELS, *_SHAPE]
    names += ["mean_probability"] * probability
    names += [f"{kind}_{channel}" for channel in channels for kind in _INTENSITY]
    return names + list(_MICROMETRES) * pixel_size


def measure(
    labels: Sliced,
    *,
    image: Sliced | None = None,
    channels: Sequence[str] = ("intensity",),
    probability: Sliced | None = None,
    pixel_size: tuple[float, float] | None = None,
    pixels: int = PIXELS,
) -> Columns:
    """Measure every object of a label image, of any size: it is read by bands.

    Where pixels are not square, orientation and eccentricity are of the object, not of its
    picture, and there is no perimeter in µm.

    Args:
        labels: (H, W) integers; every positive value is an object, connected or not.
        image: (H, W) or (H, W, C), the intensities.
        channels: their C names.
        probability: (H, W) of the foreground, 0…1.
        pixel_size: height and width of a pixel in µm.
        pixels: how many are measured at once, unless one object is larger.

    Returns:
        The :func:`columns`, (n,) each, an object a value, by ascending label: int64, or float64 of
        eight significant digits, since further ones are noise of the arithmetic.
        ``orientation_deg`` is from the x axis to the major one, anticlockwise as one looks at it,
        0 … 180, and NaN for what is as wide as it is high; ``touches_edge`` is 1 or 0.

    Raises:
        ValueError: sizes or the number of channels differ, or a pixel has no size.
    """
    _check(labels, image, channels, probability, pixel_size)
    names = columns(
        () if image is None else channels,
        probability=probability is not None,
        pixel_size=pixel_size is not None,
    )
    parts = [{name: np.zeros(0, np.int64 if name in _WHOLE else float) for name in names}]
    for window in windows(labels, pixels=pixels):
        found = _measure(window, _values(window, image, probability), pixel_size)
        found["touches_edge"] = (
            (found["left_px"] == 0)
            | (found["top_px"] == 0)
            | (found["left_px"] + found["width_px"] == labels.shape[1])
            | (found["top_px"] + found["height_px"] == labels.shape[0])
        )
        if image is not None:
            for number, channel in enumerate(channels):
                for kind, name in _INTENSITY.items():
                    found[f"{kind}_{channel}"] = found[f"{name}-{number}"]
        if probability is not None:
            last = 0 if image is None else len(channels)
            found["mean_probability"] = found[f"intensity_mean-{last}"]
        parts.append({name: _short(found[name], parts[0][name].dtype) for name in names})
    table = {name: np.concatenate([part[name] for part in parts]) for name in names}
    order = np.argsort(table["label"])
    return {name: column[order] for name, column in table.items()}


def table_rows(table: Columns) -> Iterator[dict[str, float]]:
    """The rows of a table as files hold them: whole numbers are whole."""
    for top in range(0, len(table["label"]), _ROWS):
        some = (column[top : top + _ROWS].tolist() for column in table.values())
        for row in zip(*some, strict=True):
            yield dict(zip(table, map(_whole, row), strict=True))


def _check(
    labels: Sliced,
    image: Sliced | None,
    channels: Sequence[str],
    probability: Sliced | None,
    pixel_size: tuple[float, float] | None,
) -> None:
    for name, other in (("image", image), ("probability", probability)):
        if other is not None and tuple(other.shape[:2]) != tuple(labels.shape):
            raise ValueError(f"{name} of shape {other.shape} for labels of shape {labels.shape}")
    if image is not None and len(channels) != (image.shape[2] if len(image.shape) > 2 else 1):
        raise ValueError(f"{len(channels)} names of channels for an image of {image.shape}")
    if pixel_size is not None and not all(math.isfinite(s) and s > 0 for s in pixel_size):
        raise ValueError(f"pixels of {pixel_size} µm")


def _values(
    window: Window, image: Sliced | None, probability: Sliced | None
) -> NDArray[np.float64] | None:
    """Intensities and probability of a window, (h, w, channels)."""
    given = [one[window.rows][:, window.columns] for one in (image, probability) if one is not None]
    return np.dstack(given).astype(np.float64) if given else None


def _measure(
    window: Window, values: NDArray[np.float64] | None, pixel_size: tuple[float, float] | None
) -> Columns:
    asked = [*_TAKEN, *(_INTENSITY.values() if values is not None else ())]
    found = _properties(window.numbers, values, properties=asked)
    found["label"] = window.ids
    found["area_px"] = np.rint(found["area"]).astype(np.int64)
    found["centroid_x_px"] = found["centroid-1"] + window.left
    found["centroid_y_px"] = found["centroid-0"] + window.top
    found["left_px"] = found["bbox-1"] + window.left
    found["top_px"] = found["bbox-0"] + window.top
    found["width_px"] = found["bbox-3"] - found["bbox-1"]
    found["height_px"] = found["bbox-2"] - found["bbox-0"]
    found["major_axis_px"] = found["axis_major_length"]
    found["minor_axis_px"] = found["axis_minor_length"]
    found["perimeter_px"] = found["perimeter"]
    if pixel_size is not None:
        found |= _in_micrometres(window, found, pixel_size)
    # scikit-image's is from the row axis to the major one.
    round_ = np.isclose(found["eccentricity"], 0, atol=1e-6)
    degrees = (np.rad2deg(found["orientation"]) + 90) % 180
    found["orientation_deg"] = np.where(round_, np.nan, degrees)
    return found


def _in_micrometres(window: Window, found: Columns, pixel_size: tuple[float, float]) -> Columns:
    height, width = pixel_size
    square = math.isclose(height, width)
    ellipse = (
        {name: found[name] for name in _ELLIPSE}
        if square
        else _properties(window.numbers, properties=_ELLIPSE, spacing=pixel_size)
    )
    scale = width if square else 1.0
    return {
        "area_um2": found["area_px"] * height * width,
        "centroid_x_um": found["centroid_x_px"] * width,
        "centroid_y_um": found["centroid_y_px"] * height,
        "major_axis_um": ellipse["axis_major_length"] * scale,
        "minor_axis_um": ellipse["axis_minor_length"] * scale,
        "perimeter_um": found["perimeter_px"] * (width if square else np.nan),
        "orientation": ellipse["orientation"],
        "eccentricity": ellipse["eccentricity"],
    }


def _short(column: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    if kind.kind == "i":
        return column.astype(kind)
    return np.array([float(f"{value:.8g}") for value in column.tolist()], kind)


def _whole(value: float) -> float:
    return int(value) if isinstance(value, float) and value.is_integer() else value
