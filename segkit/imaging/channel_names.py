"""What a TIFF file calls its channels, in OME's or ImageJ's metadata."""

import html
import re
from collections.abc import Sequence
from typing import Any

_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b.*?</(?:\w+:)?Pixels>", re.DOTALL)
_CHANNEL = re.compile(r"<(?:\w+:)?Channel\b([^>]*)>")
_LONGEST = 200
_NAME = re.compile(r"""\bName\s*=\s*(["'])(.*?)\1""")


def channel_names(tiff: Any, series: Any, shape: tuple[int, ...]) -> tuple[str, ...]:
    """A name for each channel, or none at all.

    Args:
        tiff: the open file.
        series: the pages of its image.
        shape: of a pixel of the image.
    """
    count = shape[0] if shape else 1
    names: list[str] = []
    if series.kind == "ome":
        index = next(n for n, each in enumerate(tiff.series) if each is series)
        names = _ome(tiff.ome_metadata or "", index)
    elif series.kind == "imagej":
        labels = (tiff.imagej_metadata or {}).get("Labels") or []
        names = [str(each) for each in labels]
    return told(names, count)


def told(names: Sequence[str], count: int) -> tuple[str, ...]:
    """Names of so many channels; none at all where they do not tell all of them apart."""
    names = [" ".join(name.split()) for name in names]
    apart = len(names) == count and len(set(names)) == count
    # A terminal would do as others say.
    fit = all(name.isprintable() and 0 < len(name) <= _LONGEST for name in names)
    return tuple(names) if apart and fit else ()


def _ome(text: str, index: int) -> list[str]:
    images = _PIXELS.findall(text)
    if index >= len(images):
        return []
    found = [_NAME.search(channel) for channel in _CHANNEL.findall(images[index])]
    return [html.unescape(name[2]) if name else "" for name in found]
