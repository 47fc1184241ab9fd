"""Sheets of images, truths, predictions and overlays, a row a record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segkit.drawing.overlay import Picture
from segkit.imaging.channels import shown_as

Pen = ImageDraw.ImageDraw
RGB = tuple[int, int, int]
# Of image, ground truth (None where there is none), prediction and overlay.
Pictures = tuple[Picture, Picture | None, Picture, Picture]

_INK, _FAINT, _PAPER = (32, 32, 32), (120, 120, 120), (255, 255, 255)
_MARGIN, _GAP, _LINE, _TEXT, _NARROWEST = 16, 6, 24, 14, 96
_HEIGHT = 192
_NAME = 26
_TRUTH = 1
_HEADINGS = ("image", "truth", "prediction", "overlay")


@dataclass(frozen=True, slots=True, eq=False)
class PanelRow:
    """One row of a panel.

    Attributes:
        id: the record's id.
        image: (H, W) or (H, W, C) uint8.
        truth: (H, W) of an integer type, or None.
        prediction: (H, W) likewise.
        caption: what to say of the prediction, such as its score.
    """

    id: str
    image: Picture
    truth: Picture | None
    prediction: Picture
    caption: str = ""


class Painter(Protocol):
    """Knows what truths and predictions mean."""

    def legend(self, *, judged: bool) -> list[tuple[Sequence[int], str]]:
        """Colours, and what they mean; ``judged`` where there is a ground truth."""

    def pictures(self, row: PanelRow, size: tuple[int, int]) -> Pictures:
        """Each (H, W, 3) uint8 of this size."""


def panel(rows: Sequence[PanelRow], painter: Painter, *, height: int = _HEIGHT) -> Picture:
    """Lay out image, truth, prediction and overlay, a row a record, with headings and a legend.

    Where no row has a truth, its column is left out.

    Args:
        rows: what to show, from the top.
        painter: of the task.
        height: of each picture, in pixels; images keep their aspect, up to twice as wide as high.

    Returns:
        (H, W, 3) uint8, dark on white.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a panel needs at least one row")
    known = any(row.truth is not None for row in rows)
    columns = [at for at in range(len(_HEADINGS)) if known or at != _TRUTH]
    key = painter.legend(judged=known)
    width = max(_NARROWEST, *(panel_size(row.image.shape, height)[1] for row in rows))
    step = _LINE + height + 2 * _GAP
    wide = len(columns) * (width + _GAP) - _GAP
    told = shown_as(max(_channels(row.image) for row in rows))
    entries = (_HEADINGS[-1], *(name for _, name in key), f"image: {told}" * bool(told))
    wide = max(wide, sum(map(_entry, filter(None, entries))))
    high = 2 * _LINE + len(rows) * step
    sheet = Image.new("RGB", (wide + 2 * _MARGIN, high + 2 * _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, column in enumerate(columns):
        middle = _MARGIN + place * (width + _GAP) + width // 2
        _write(pen, (middle, _MARGIN + _LINE // 2), _HEADINGS[column], anchor="mm")
    for number, row in enumerate(rows):
        top = _MARGIN + _LINE + number * step
        size = panel_size(row.image.shape, height)
        pictures = [_missing(size) if one is None else one for one in painter.pictures(row, size)]
        shown = [pictures[column] for column in columns]
        _draw_row(sheet, row, shown, top, (height, width))
    end = _legend(pen, sheet.height - _MARGIN - _LINE // 2, key)
    if told:
        _write(pen, (end, sheet.height - _MARGIN - _LINE // 2), entries[-1], anchor="lm")
    return np.asarray(sheet, np.uint8)


def _draw_row(
    sheet: Image.Image,
    row: PanelRow,
    pictures: Sequence[Picture],
    top: int,
    cell: tuple[int, int],
) -> None:
    pen, middle = ImageDraw.Draw(sheet), top + _LINE // 2
    right = _MARGIN + len(pictures) * (cell[1] + _GAP) - _GAP
    _write(pen, (_MARGIN, middle), shortened(row.id, _NAME), anchor="lm", colour=_FAINT)
    _write(pen, (right, middle), row.caption, anchor="rm")
    for place, picture in enumerate(pictures):
        high, wide = picture.shape[:2]
        left = _MARGIN + place * (cell[1] + _GAP) + (cell[1] - wide) // 2
        sheet.paste(Image.fromarray(picture), (left, top + _LINE + (cell[0] - high) // 2))


def panel_size(shape: Sequence[int], height: int = _HEIGHT) -> tuple[int, int]:
    """Rows and columns at which a panel shows an image of so many rows and columns."""
    scale = min(height / shape[0], 2 * height / shape[1])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _missing(size: tuple[int, int]) -> Picture:
    empty = Image.new("RGB", (size[1], size[0]), (240, 240, 240))
    _write(ImageDraw.Draw(empty), (size[1] // 2, size[0] // 2), "no truth", anchor="mm")
    return np.asarray(empty, np.uint8)


def _channels(image: Picture) -> int:
    return 1 if image.ndim == 2 else image.shape[2]


def _legend(pen: Pen, middle: int, key: Sequence[tuple[Sequence[int], str]]) -> int:
    """Draw it; gives where the next word could stand."""
    left = _MARGIN
    if key:
        _write(pen, (left, middle), f"{_HEADINGS[-1]}:", anchor="lm", colour=_FAINT)
        left += _entry(_HEADINGS[-1])
    for colour, name in key:
        red, green, blue = (int(part) for part in colour)
        pen.rectangle((left, middle - 6, left + 11, middle + 5), fill=(red, green, blue))
        _write(pen, (left + 18, middle), name, anchor="lm")
        left += _entry(name)
    return left


def _entry(name: str) -> int:
    return 18 + math.ceil(_font().getlength(name)) + 20


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_TEXT)


def _write(pen: Pen, at: tuple[int, int], text: str, *, anchor: str, colour: RGB = _INK) -> None:
    pen.text(at, text, fill=colour, font=_font(), anchor=anchor)


def shortened(name: str, most: int) -> str:
    """A name of at most so many characters: its start and its end."""
    return name if len(name) <= most else f"{name[: most - 9]}…{name[-8:]}"
