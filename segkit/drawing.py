"""Pictures of masks, as arrays and PNG files.

The colours are Okabe and Ito's, safe for the colour-blind (Color Universal Design, 2008).
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from segkit.files import atomic_path
from segkit.images import resize_image, resize_mask, to_channels

Picture = NDArray[np.uint8]
Pen = ImageDraw.ImageDraw
RGB = tuple[int, int, int]

SKY, ORANGE, GREEN = (86, 180, 233), (230, 159, 0), (0, 158, 115)
YELLOW, BLUE, VERMILLION, PURPLE = (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)
# RGB of class 0, 1, 2 …; class 0, the background, is never painted; after the last, from 1 again.
CLASS_COLOURS: Picture = np.array(
    [(0, 0, 0), ORANGE, SKY, GREEN, PURPLE, YELLOW, BLUE, VERMILLION], np.uint8
)
# RGB of true negative (never painted), true positive, missed, false positive.
AGREEMENT_COLOURS: Picture = np.array([(0, 0, 0), GREEN, SKY, VERMILLION], np.uint8)
AGREEMENT_NAMES = ("true positive", "missed", "false positive")

_INK, _FAINT, _PAPER, _DARK = (32, 32, 32), (120, 120, 120), (255, 255, 255), (28, 28, 32)
_MARGIN, _GAP, _LINE, _TEXT, _NARROWEST = 16, 6, 24, 14, 96
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


def overlay(image: Picture, mask: Picture, *, alpha: float = 0.35) -> Picture:
    """Paint the classes of a mask over an image, each with a full-colour line just inside its rim.

    Args:
        image: (H, W) or (H, W, C) uint8, C of 1 to 4.
        mask: (H, W) uint8 class indices; 0 is left as it is.
        alpha: share of the class colour inside, 0 … 1: ``(1 - alpha) image + alpha colour``.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ValueError: image and mask differ in size.
    """
    if mask.shape != image.shape[:2]:
        raise ValueError(f"a mask of shape {mask.shape} for an image of shape {image.shape}")
    span = len(CLASS_COLOURS) - 1
    colours = CLASS_COLOURS[np.where(mask > 0, (mask.astype(np.int16) - 1) % span + 1, 0)]
    share = np.where(mask > 0, np.float32(alpha), np.float32(0))
    for label in np.unique(mask[mask > 0]):
        share[_rim(mask == label)] = 1
    return _mix(image, colours, share)


def agreement(image: Picture, truth: Picture, prediction: Picture) -> Picture:
    """Paint where a binary prediction is right, misses, or draws too much.

    Args:
        image: (H, W) or (H, W, C) uint8, C of 1 to 4.
        truth: (H, W) uint8, foreground where not 0.
        prediction: (H, W) uint8, likewise.

    Returns:
        (H, W, 3) uint8 in :data:`AGREEMENT_COLOURS`; mistakes are painted more strongly.
    """
    drawn, there = prediction > 0, truth > 0
    labels = np.select([drawn & there, there, drawn], [1, 2, 3], 0).astype(np.uint8)
    share = np.array([0, 0.4, 0.9, 0.9], np.float32)[labels]
    # Of the union: a line between a hit and its own mistakes would hide thin mistakes.
    share[_rim(labels > 0)] = 1
    # On grey: a stain's own colours would mix with these into others.
    return _mix(to_channels(image, 1), AGREEMENT_COLOURS[labels], share)


def _rim(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a region that lie along its edge, but not along the image's."""
    # Lines keep their visual weight on large images.
    reach = 2 * max(1, round(max(region.shape) / 512)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    inside = np.asarray(cv2.erode(region.astype(np.uint8), disc), np.bool_)
    return region & ~inside


def _mix(image: Picture, colours: Picture, share: NDArray[np.float32]) -> Picture:
    base = to_channels(image, 3).astype(np.float32)
    return np.rint(base + share[..., None] * (colours - base)).astype(np.uint8)


def panel(rows: Sequence[PanelRow], *, height: int = 192, classes: Sequence[str] = ()) -> Picture:
    """Lay out image, truth, prediction and overlay, a row a record, with headings and a legend.

    Of a binary task the overlay shows the agreement; of more classes, or where there is no truth,
    the predicted classes.

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
    judged = count <= 2 and any(row.truth is not None for row in rows)
    key = _key(count, classes, judged=judged)
    width = max(_NARROWEST, *(_fit(row.image, height)[1] for row in rows))
    step = _LINE + height + 2 * _GAP
    wide = max(4 * width + 3 * _GAP, sum(_entry(name) for _, name in key))
    high = 2 * _LINE + len(rows) * step
    sheet = Image.new("RGB", (wide + 2 * _MARGIN, high + 2 * _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, heading in enumerate(_HEADINGS):
        middle = _MARGIN + column * (width + _GAP) + width // 2
        _write(pen, (middle, _MARGIN + _LINE // 2), heading, anchor="mm")
    for number, row in enumerate(rows):
        top = _MARGIN + _LINE + number * step
        _draw_row(sheet, row, top, (height, width), binary=count <= 2)
    _legend(pen, sheet.height - _MARGIN - _LINE // 2, key)
    return np.asarray(sheet, np.uint8)


def _draw_row(
    sheet: Image.Image, row: PanelRow, top: int, cell: tuple[int, int], *, binary: bool
) -> None:
    pen, middle = ImageDraw.Draw(sheet), top + _LINE // 2
    right = _MARGIN + 4 * cell[1] + 3 * _GAP
    _write(pen, (_MARGIN, middle), _short(row.id), anchor="lm", colour=_FAINT)
    _write(pen, (right, middle), _score(row.score), anchor="rm")
    size = _fit(row.image, cell[0])
    for column, picture in enumerate(_pictures(row, size, binary=binary)):
        left = _MARGIN + column * (cell[1] + _GAP) + (cell[1] - size[1]) // 2
        sheet.paste(Image.fromarray(picture), (left, top + _LINE + (cell[0] - size[0]) // 2))


def _highest(row: PanelRow) -> int:
    truth = 0 if row.truth is None else int(row.truth.max(initial=0))
    return max(truth, int(row.prediction.max(initial=0)))


def _fit(image: Picture, height: int) -> tuple[int, int]:
    scale = min(height / image.shape[0], 2 * height / image.shape[1])
    return max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))


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


def _short(name: str, *, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 9]}…{name[-8:]}"


def _score(score: float | None) -> str:
    if score is None:
        return ""
    return "Dice undefined" if math.isnan(score) else f"Dice {score:.3f}"


def encode_png(image: Picture) -> bytes:
    """The bytes of a PNG file of (H, W) or (H, W, 3) uint8."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def save_png(path: str | Path, image: Picture) -> None:
    """Write (H, W) or (H, W, 3) uint8 as a PNG that appears whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(encode_png(image))
