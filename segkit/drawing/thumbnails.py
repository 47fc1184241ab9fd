"""Pictures made small enough to be carried inside a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.drawing.overlay import encode_webp
from segkit.imaging.channels import as_rgb
from segkit.imaging.pixels import decode, resize_image, to_uint8

# Widest side in pixels and WebP quality, from the best to the barely legible.
_STEPS = ((1600, 80), (1200, 80), (800, 70), (560, 50), (400, 30))
# WebP stores no picture of more than 16383 pixels a side.
_HIGHEST = 12000
# A PNG of this size is carried as it is: text in it stays sharp.
_SMALL = 160_000
# More than a slider needs, and each takes time to encode.
_MOST = 40
# Fewer are no course of a training: rather many small pictures than few large ones.
_FEW = 12


def carried(path: Path, most: int) -> tuple[bytes, str] | None:
    """One picture file, as it is where it is small, else as WebP.

    Args:
        path: of a PNG, JPEG, TIFF or BMP file.
        most: bytes that it may take.

    Returns:
        Its bytes, and ``png`` or ``webp``; None where it is missing, unreadable, or too large
        at any quality.
    """
    picture = _read(path)
    if picture is None:
        return None
    if path.suffix == ".png" and path.stat().st_size <= min(_SMALL, most):
        return path.read_bytes(), "png"
    for width, quality in _STEPS:
        data = _webp(picture, width, quality)
        if len(data) <= most:
            return data, "webp"
    return None


def series(paths: Mapping[int, Path], wanted: int | None, most: int) -> dict[int, bytes]:
    """As many pictures of a series as fit, evenly spread.

    Args:
        paths: picture files by number.
        wanted: a number that is kept before all others, as are the first and the last.
        most: bytes that they may take together.

    Returns:
        WebP files by number, ascending; files that cannot be read are left out.
    """
    order = sorted(paths)
    first = [wanted] if wanted is not None and wanted in paths else []
    ends = list(dict.fromkeys((*first, *order[-1:], *order[:1])))
    sample: dict[int, bytes] = {}
    room, step = 0, _STEPS[-1]
    for step in _STEPS:
        sample = _encode({number: paths[number] for number in ends}, step)
        # Later pictures may be a little larger than those looked at.
        largest = 1.1 * max((len(data) for data in sample.values()), default=most)
        room = min(_MOST, int(most / max(1.0, largest)))
        if room >= min(_FEW, len(order)):
            break
    chosen = [n for n in _spread(order, ends, room) if n not in sample]
    found: dict[int, bytes] = {}
    for number, data in (sample | _encode({n: paths[n] for n in chosen}, step)).items():
        if sum(map(len, found.values())) + len(data) <= most:
            found[number] = data
    return dict(sorted(found.items()))


def _spread(order: Sequence[int], ends: Sequence[int], count: int) -> list[int]:
    """``count`` of the numbers, evenly, those of ``ends`` in the place of their neighbours."""
    if count <= len(ends):
        return list(ends[:count])
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    chosen = [order[place] for place in places]
    for number in ends:
        if number not in chosen:
            inner = chosen[1:-1] or chosen
            nearest = min(inner, key=lambda other: abs(other - number))
            chosen[chosen.index(nearest)] = number
    return chosen


def _encode(paths: Mapping[int, Path], step: tuple[int, int]) -> dict[int, bytes]:
    read = ((number, _read(path)) for number, path in paths.items())
    return {number: _webp(picture, *step) for number, picture in read if picture is not None}


def _read(path: Path) -> NDArray[np.uint8] | None:
    try:
        return as_rgb(to_uint8(decode(path.read_bytes(), path.name), path.name))
    except (OSError, SegkitError):
        return None


def _webp(picture: NDArray[np.uint8], width: int, quality: int) -> bytes:
    rows, columns = picture.shape[:2]
    scale = min(1.0, width / columns, _HIGHEST / rows)
    size = (max(1, round(rows * scale)), max(1, round(columns * scale)))
    return encode_webp(resize_image(picture, size), quality=quality)
