"""What tables, lines and windows of a DICOM file make of stored values (PS3.3, C.7.6.3, C.11)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from segkit.imaging.dicom_tags import first, number

Pixels = NDArray[Any]
_NARROW = (np.uint8, np.uint16, np.int16)
# Signed first: in a series one slice may have no value below 0.
_WIDE = (np.int16, np.uint16, np.int32, np.uint32)


def group_of(tags: Dataset, sequence: str, frame: int) -> Dataset:
    """The data set that holds a macro's elements: of enhanced objects a functional group."""
    own = tags.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*own[frame : frame + 1], first(tags, "SharedFunctionalGroupsSequence")]
    found = (first(group, sequence) for group in groups if group is not None)
    return next((each for each in found if isinstance(each, Dataset)), tags)


def measured(
    tags: Dataset, stored: Pixels, span: tuple[float, float], frame: int
) -> tuple[Pixels, float, float]:
    """The modality's transform: its table, or slope and intercept; of a CT to Hounsfield.

    Args:
        tags: of the file.
        stored: (H, W).
        span: lowest and highest value that may be stored.
        frame: its number in the file.

    Returns:
        (H, W), whole numbers where they are; and the lowest and highest value there may be.

    Raises:
        ValueError: a table or line that is none.
    """
    item = first(tags, "ModalityLUTSequence")
    if item is not None:
        table, start, bits = _table(item, tags)
        return _looked_up(stored, table, start), 0, 2**bits - 1
    group = group_of(tags, "PixelValueTransformationSequence", frame)
    slope, intercept = number(group, "RescaleSlope"), number(group, "RescaleIntercept")
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if not slope or not np.isfinite([slope, intercept]).all():
        raise ValueError("a slope that is none")
    low, high = sorted(slope * end + intercept for end in span)
    if stored.dtype.kind == "f" or not (slope.is_integer() and intercept.is_integer()):
        return (stored * slope + intercept).astype(np.float32), low, high
    values = stored.astype(np.int64) * int(slope) + int(intercept)
    return narrowed(values, low, high), low, high


def narrowed(values: Pixels, low: float, high: float) -> Pixels:
    """Whole numbers in the type of up to 16 bits that all from low to high need.

    Where there is none, in the one that these values need.
    """
    ends = (int(values.min()), int(values.max()))
    for kinds, (bottom, top) in ((_NARROW, (low, high)), (_WIDE, ends)):
        for kind in kinds:
            if np.iinfo(kind).min <= bottom and top <= np.iinfo(kind).max:
                return values.astype(kind)
    return values.astype(np.float64)


def shown(tags: Dataset, values: Pixels, frame: int) -> Pixels | None:
    """Shares from 0 to 1 by the first table or window of values of interest; None without any.

    A window of no width is none.

    Raises:
        ValueError: a table that is none, or a function that the standard does not name.
    """
    item = first(tags, "VOILUTSequence")
    if item is not None:
        table, start, bits = _table(item, tags, negative=bool(values.min() < 0))
        return np.asarray(_looked_up(values, table, start) / (2**bits - 1))
    group = group_of(tags, "FrameVOILUTSequence", frame)
    centre, width = number(group, "WindowCenter"), number(group, "WindowWidth")
    function = first(group, "VOILUTFunction") or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise ValueError("an unknown function of values of interest")
    if centre is None or width is None or not np.isfinite([centre, width]).all():
        return None
    if width <= 0 or (function == "LINEAR" and width < 1):
        return None
    wide = values.astype(np.float64)
    if function == "SIGMOID":
        with np.errstate(over="ignore"):  # of what lies far below, which becomes 0
            return np.asarray(1 / (1 + np.exp(-4 * (wide - centre) / width)))
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    if not width:
        return np.asarray(wide > centre, np.float64)
    return np.clip((wide - centre) / width + 0.5, 0, 1)


def _table(
    item: Dataset, tags: Dataset, *, negative: bool = False
) -> tuple[NDArray[np.uint16], int, int]:
    """A table, the value of its first entry, and its bits."""
    entries, start, bits = (int(value) for value in item.LUTDescriptor)
    start -= 2**16 if negative and start >= 2**15 else 0
    if not 1 <= bits <= 16:
        raise ValueError("a table of too many bits")
    data = item.LUTData
    if isinstance(data, bytes):
        words = _words(data, entries, tags)
    else:
        words = np.atleast_1d(np.asarray(data, np.int64)).astype(np.uint16)
    if len(words) < (entries or 2**16):
        raise ValueError("a table that was cut off")
    return np.minimum(words, 2**bits - 1), start, bits


def _words(data: bytes, entries: int, tags: Dataset) -> NDArray[np.uint16]:
    """The entries of a table: of 16 bits, or 8 where there are no more bytes."""
    count = entries or 2**16
    if len(data) < 2 * count:
        return np.frombuffer(data, np.uint8)[:count].astype(np.uint16)
    order = "<" if tags.file_meta.TransferSyntaxUID.is_little_endian else ">"
    return np.frombuffer(data, f"{order}u2", count).astype(np.uint16)


def _looked_up(values: Pixels, table: NDArray[np.uint16], start: int) -> NDArray[np.uint16]:
    places = np.rint(np.clip(values - np.float64(start), 0, len(table) - 1))
    return np.asarray(table[places.astype(np.intp)])


def coloured(tags: Dataset, indices: Pixels) -> NDArray[np.uint8]:
    """(H, W, 3) of indices into a palette, whose colours may have 8 or 16 bits.

    Raises:
        ValueError: a palette that is none, or one of segments that point to others.
    """
    tables, start = [], 0
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTable"
        entries, start, bits = (int(value) for value in tags[f"{name}Descriptor"].value)
        if f"{name}Data" in tags:
            words = _words(tags[f"{name}Data"].value, entries, tags)
        else:
            words = _expanded(tags[f"Segmented{name}Data"].value, bits, entries or 2**16)
        if len(words) < (entries or 2**16):
            raise ValueError("a palette that was cut off")
        tables.append(words)
    palette = np.stack(tables, axis=1)
    if palette.max() > 255:
        palette >>= 8
    start -= 2**16 if start >= 2**15 and indices.min() < 0 else 0
    places = np.clip(indices.astype(np.int64) - start, 0, len(palette) - 1)
    return np.asarray(palette.astype(np.uint8)[places])


def _expanded(packed: bytes, bits: int, entries: int) -> NDArray[np.uint16]:
    """A table of segments (C.7.9.2): values as they are, or a line from the last to another."""
    words = np.frombuffer(packed, "<u2" if bits > 8 else np.uint8).astype(np.int64)
    table = np.empty(entries, np.uint16)
    place, filled = 0, 0
    while filled < entries:
        kind, length = (int(word) for word in words[place : place + 2])
        kept = min(length, entries - filled)
        if kind == 0 and length:
            part, used = words[place + 2 : place + 2 + length], length
        elif kind == 1 and length and filled:
            end = words[place + 2]
            part, used = np.rint(np.linspace(table[filled - 1], end, length + 1)[1:]), 1
        else:
            raise ValueError("a palette of segments that are not understood")
        table[filled : filled + kept] = part[:kept]
        place, filled = place + 2 + used, filled + kept
    return table
