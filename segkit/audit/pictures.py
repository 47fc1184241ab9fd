"""What a check shows of a data set's images: a contact sheet, and copies side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segkit.audit.audit import Audit
from segkit.audit.duplicates import Pair
from segkit.core.contracts import Record, Sample
from segkit.data.panel_choice import spread
from segkit.data.readers.base import Reader
from segkit.drawing.overlay import encode_webp, overlay
from segkit.drawing.panel import shortened
from segkit.imaging.pixels import resize_image, resize_mask, to_channels

Picture = NDArray[np.uint8]

# Longest side of a thumbnail, pixels.
_SIDE = 256
_NAME = 20  # characters of a record's name beneath it
_SHEET = {"train": 12, "val": 6, "test": 6}
# A sheet of a data set whose split cannot be drawn.
_UNSPLIT = 24


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture for the report: WebP bytes and a line beneath."""

    data: bytes
    caption: str


def contact_sheet(reader: Reader, audit: Audit) -> list[Shown]:
    """Up to 24 images with their masks painted over, of all splits, strata and groups.

    Images with something to find go first.
    """
    records = audit.records
    chosen: list[int] = []
    parts = {s: n for s, n in _SHEET.items() if s in audit.splits.values()} or {"": _UNSPLIT}
    for split, count in parts.items():
        inside = [i for i, r in enumerate(records) if audit.splits[r.id] == split]
        marked = [i for i in inside if not audit.facts[i].empty]
        chosen += spread(records, marked or inside, count)
    shown: dict[int, Shown] = {}
    ordered = sorted(chosen)
    for index, sample in zip(ordered, samples(reader, [records[i] for i in ordered]), strict=True):
        record = records[index]
        facts = (shortened(record.id, _NAME), audit.splits[record.id], record.stratum)
        caption = ", ".join(filter(None, facts))
        shown[index] = Shown(encode_webp(thumbnail(sample, _SIDE)), caption)
    return [shown[index] for index in chosen]


def pair_pictures(
    reader: Reader, audit: Audit, pairs: Sequence[Pair]
) -> list[tuple[Shown, Shown, str]]:
    """Both images of each pair, and how alike they are."""
    shown = []
    for pair in pairs:
        records = [audit.records[pair.first], audit.records[pair.second]]
        one, other = (
            Shown(
                encode_webp(thumbnail(sample, _SIDE)),
                f"{shortened(record.id, _NAME)}, {audit.splits[record.id]}",
            )
            for record, sample in zip(records, samples(reader, records), strict=True)
        )
        alike = "the same pixels" if pair.exact else f"correlation {pair.correlation:.3f}"
        shown.append((one, other, alike + (", turned or mirrored" if pair.turned else "")))
    return shown


def worst_pairs(audit: Audit, most: int) -> list[Pair]:
    """Copies in two splits first, then other copies of different groups, the most alike first."""

    def rank(pair: Pair) -> tuple[bool, bool, float]:
        one, other = audit.records[pair.first], audit.records[pair.second]
        apart = audit.splits[one.id] != audit.splits[other.id]
        return (not apart, not pair.exact, -pair.correlation)

    told = [
        pair
        for pair in audit.pairs
        if pair.exact or audit.records[pair.first].group != audit.records[pair.second].group
    ]
    return sorted(told, key=rank)[:most]


def thumbnail(sample: Sample, side: int, *, alpha: float = 0.2) -> Picture:
    """Image and mask, (h, w, 3) uint8 whose longer side is ``side`` pixels."""
    image = to_channels(sample.image, 3)
    scale = side / max(image.shape[:2])
    size = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    small = resize_image(image, size)
    return (
        small
        if sample.mask is None
        else overlay(small, resize_mask(sample.mask, size), alpha=alpha)
    )


def samples(reader: Reader, records: Sequence[Record]) -> Iterator[Sample]:
    """Decoded again, one at a time: nothing was kept from the first reading."""
    for load in reader.loaders(records):
        yield load()
