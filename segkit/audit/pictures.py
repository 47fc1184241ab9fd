"""What a check shows of its images: a contact sheet, copies side by side, scenes put together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segkit.audit.audit import Audit
from segkit.audit.duplicates import Pair
from segkit.audit.placement import Placement
from segkit.audit.scenes import leaks, told
from segkit.core.contracts import Record, Sample, Truth
from segkit.data.panel_choice import spread
from segkit.data.readers.base import Reader
from segkit.drawing.contours import brightened, draw_contours
from segkit.drawing.overlay import encode_webp, overlay
from segkit.drawing.panel import shortened
from segkit.imaging.channels import as_rgb
from segkit.imaging.pixels import resize_image, resize_mask

Picture = NDArray[np.uint8]

# Longest side of a thumbnail, pixels.
_SIDE = 256
_FRAME = (255, 200, 0)
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
    """Up to 24 images with their masks or objects, of all splits, strata and groups.

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
        shown[index] = Shown(encode_webp(thumbnail(sample.image, truth_of(sample), _SIDE)), caption)
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
                encode_webp(thumbnail(sample.image, truth_of(sample), _SIDE)),
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


def scene_pictures(reader: Reader, audit: Audit, placements: Sequence[Placement]) -> list[Shown]:
    """Both images of each in one picture, the second framed where it lies upon the first."""
    shown = []
    for placed in placements:
        records = [audit.records[placed.first], audit.records[placed.second]]
        one, other = (sample.image for sample in samples(reader, records))
        names = [f"{shortened(r.id, _NAME)} ({audit.splits[r.id]})" for r in records]
        caption = f"{' and '.join(names)}: {told(audit.facts, placed)}"
        shown.append(Shown(encode_webp(_put_together(one, other, placed)), caption))
    return shown


def worst_scenes(audit: Audit, most: int) -> list[Placement]:
    """Those in two splits first, then others of different groups, the most alike first."""
    apart = [(leaks(audit.facts, placed, audit.splits), placed) for placed in audit.placements]
    told = [
        (leak, placed)
        for leak, placed in apart
        if leak or audit.records[placed.first].group != audit.records[placed.second].group
    ]
    ranked = sorted(told, key=lambda one: (not one[0], -one[1].correlation))
    return [placed for _, placed in ranked[:most]]


def _put_together(one: Picture, other: Picture, placed: Placement) -> Picture:
    """The two as they lie, (h, w, 3) uint8 on grey, the longer side twice that of a thumbnail."""
    top, left = min(0, placed.row), min(0, placed.column)
    bottom = max(one.shape[0], placed.row + other.shape[0])
    right = max(one.shape[1], placed.column + other.shape[1])
    whole = np.full((bottom - top, right - left, 3), 128, np.uint8)
    whole[-top : one.shape[0] - top, -left : one.shape[1] - left] = as_rgb(one)
    row, column = placed.row - top, placed.column - left
    there = whole[row : row + other.shape[0], column : column + other.shape[1]]
    there[:] = as_rgb(other)
    if not placed.adjoins:
        wide = max(1, max(whole.shape) // _SIDE)
        for edge in (there[:wide], there[-wide:], there[:, :wide], there[:, -wide:]):
            edge[:] = _FRAME
    return thumbnail(whole, None, 2 * _SIDE)


def truth_of(sample: Sample) -> Truth | None:
    """Labels where the data tells objects of one class apart, else classes."""
    one_class = sample.mask is None or sample.mask.max(initial=0) <= 1
    return sample.mask if sample.instances is None or not one_class else sample.instances


def thumbnail(
    picture: Picture, truth: Truth | None, side: int, *, alpha: float = 0.2, stretched: bool = True
) -> Picture:
    """Image and ground truth, (h, w, 3) uint8 whose longer side is ``side`` pixels.

    Args:
        picture: (H, W) or (H, W, C) uint8.
        truth: (H, W) uint8 classes, which are painted over it, or int32 labels, of which each
            is outlined.
        side: in pixels.
        alpha: how strongly classes are painted.
        stretched: whether a dark image below outlines is made bright enough to be judged.
    """
    image = as_rgb(picture)
    scale = side / max(image.shape[:2])
    size = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    small = resize_image(image, size)
    if truth is None:
        return small
    shown = resize_mask(truth, size)
    if shown.dtype == np.uint8:
        return overlay(small, shown, alpha=alpha)
    return draw_contours(brightened(small) if stretched else small, shown)


def samples(reader: Reader, records: Sequence[Record]) -> Iterator[Sample]:
    """Decoded again, one at a time: nothing was kept from the first reading."""
    for load in reader.loaders(records):
        yield load()
