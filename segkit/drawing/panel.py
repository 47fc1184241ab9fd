"""Sheets of images, truths, predictions and overlays, a row a record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segkit.drawing.overlay import (
    AGREEMENT_COLOURS,
    AGREEMENT_NAMES,
    CLASS_COLOURS,
    Picture,
    agreement,
    overlay,
)
from segkit.imaging.pixels import resize_image, resize_mask, to_channels

Pen = ImageDraw.ImageDraw
RGB = tuple[int, int, int]

_INK, _FAINT, _PAPER, _DARK = (32, 32, 32), (120, 120, 120), (255, 255, 255), (28, 28, 32)
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
        truth: (H, W) uint8 class indices, or None.
        prediction: (H, W) uint8 class indices.
        score: the Dice of this prediction; NaN where it is undefined, None where it is unknown.
    """

    id: str
    image: Picture
    truth: Picture | None
    prediction: Picture
    score: float | None


def panel(
    rows: Sequence[PanelRow], *, height: int = _HEIGHT, classes: Sequence[str] = ()
) -> Picture:
    """Lay out image, truth, prediction and overlay, a row a record, with headings and a legend.

    Of a binary task the overlay shows the agreement; of more classes, or where there is no truth,
    the predicted classes. Where no row has a truth, its column is left out.

    Args:
        rows: what to show, from the top.
        height: of each picture, in pixels; images keep their aspect, up to twice as wide as high.
        classes: names for the legend, background first; more than two of them make the task
            multi-class even where a panel happens to show one class.

    Returns:
        (H, W, 3) uint8, dark on white.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a panel needs at least one row")
    count = max(len(classes), *(1 + _highest(row) for row in rows))
    known = any(row.truth is not None for row in rows)
    columns = [at for at in range(len(_HEADINGS)) if known or at != _TRUTH]
    judged = count <= 2 and known
    key = _key(count, classes, judged=judged)
    width = max(_NARROWEST, *(panel_size(row.image.shape, height)[1] for row in rows))
    step = _LINE + height + 2 * _GAP
    wide = len(columns) * (width + _GAP) - _GAP
    wide = max(wide, sum(_entry(name) for _, name in key))
    high = 2 * _LINE + len(rows) * step
    sheet = Image.new("RGB", (wide + 2 * _MARGIN, high + 2 * _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, column in enumerate(columns):
        middle = _MARGIN + place * (width + _GAP) + width // 2
        _write(pen, (middle, _MARGIN + _LINE // 2), _HEADINGS[column], anchor="mm")
    for number, row in enumerate(rows):
        top = _MARGIN + _LINE + number * step
        _draw_row(sheet, row, top, (height, width), columns, binary=count <= 2)
    _legend(pen, sheet.height - _MARGIN - _LINE // 2, key)
    return np.asarray(sheet, np.uint8)


def _draw_row(
    sheet: Image.Image,
    row: PanelRow,
    top: int,
    cell: tuple[int, int],
    columns: Sequence[int],
    *,
    binary: bool,
) -> None:
    pen, middle = ImageDraw.Draw(sheet), top + _LINE // 2
    right = _MARGIN + len(columns) * (cell[1] + _GAP) - _GAP
    _write(pen, (_MARGIN, middle), shortened(row.id, _NAME), anchor="lm", colour=_FAINT)
    _write(pen, (right, middle), _score(row.score), anchor="rm")
    size = panel_size(row.image.shape, cell[0])
    pictures = _pictures(row, size, binary=binary)
    for place, column in enumerate(columns):
        left = _MARGIN + place * (cell[1] + _GAP) + (cell[1] - size[1]) // 2
        picture = Image.fromarray(pictures[column])
        sheet.paste(picture, (left, top + _LINE + (cell[0] - size[0]) // 2))


def _highest(row: PanelRow) -> int:
    truth = 0 if row.truth is None else int(row.truth.max(initial=0))
    return max(truth, int(row.prediction.max(initial=0)))


def panel_size(shape: Sequence[int], height: int = _HEIGHT) -> tuple[int, int]:
    """Rows and columns at which a panel shows an image of so many rows and columns."""
    scale = min(height / shape[0], 2 * height / shape[1])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _pictures(row: PanelRow, size: tuple[int, int], *, binary: bool) -> list[Picture]:
    image = resize_image(to_channels(row.image, 3), size)
    prediction = resize_mask(row.prediction, size)
    if row.truth is None:
        empty = Image.new("RGB", (size[1], size[0]), (240, 240, 240))
        _write(ImageDraw.Draw(empty), (size[1] // 2, size[0] // 2), "no truth", anchor="mm")
        last = overlay(image, prediction)
        return [image, np.asarray(empty, np.uint8), _flat(prediction, binary=binary), last]
    truth = resize_mask(row.truth, size)
    last = agreement(image, truth, prediction) if binary else overlay(image, prediction)
    return [image, _flat(truth, binary=binary), _flat(prediction, binary=binary), last]


def _flat(mask: Picture, *, binary: bool) -> Picture:
    dark = np.broadcast_to(np.array(_DARK, np.uint8), (*mask.shape, 3))
    if binary:
        return np.where(mask[..., None] > 0, np.uint8(255), dark)
    return overlay(dark, mask, alpha=1)


def _key(count: int, classes: Sequence[str], *, judged: bool) -> list[tuple[Picture, str]]:
    if judged:
        return list(zip(AGREEMENT_COLOURS[1:], AGREEMENT_NAMES, strict=True))
    names = [*classes, *(f"class {number}" for number in range(len(classes), count))]
    span = len(CLASS_COLOURS) - 1
    return [(CLASS_COLOURS[1 + index % span], name) for index, name in enumerate(names[1:])]


def _legend(pen: Pen, middle: int, key: Sequence[tuple[Picture, str]]) -> None:
    left = _MARGIN
    for colour, name in key:
        red, green, blue = (int(part) for part in colour)
        pen.rectangle((left, middle - 6, left + 11, middle + 5), fill=(red, green, blue))
        _write(pen, (left + 18, middle), name, anchor="lm")
        left += _entry(name)


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


def _score(score: float | None) -> str:
    if score is None:
        return ""
    return "Dice undefined" if math.isnan(score) else f"Dice {score:.3f}"
