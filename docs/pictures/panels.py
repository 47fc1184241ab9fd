"""Test images with what a run finds in them: sheets, and outlines in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from segkit.core.tables import read_table
from segkit.drawing.contours import brightened
from segkit.drawing.panel import PanelRow, panel
from segkit.imaging.channels import as_rgb
from segkit.imaging.pixels import to_uint8
from segkit.runs.build import build_reader
from segkit.runs.load import predictor_of
from segkit.runs.saved import SavedRun, open_run

Pixels = NDArray[np.uint8]

_SIDE, _GAP = 408, 4
_FOUND, _TRUE = (255, 196, 0), (255, 255, 255)
_FINE = 4  # the outlines are drawn at so many times the size, and made smaller with it


@dataclass(frozen=True, eq=False)
class Found:
    """A test image: (H, W, C) uint8, and (H, W) of what is there and of what was found."""

    id: str
    image: Pixels
    truth: NDArray[Any]
    prediction: NDArray[Any]


def found_in(run: SavedRun, ids: Sequence[str]) -> Iterator[Found]:
    """Records of the run's data, predicted as evaluate does."""
    reader = build_reader(run.config)
    by_id = {record.id: record for record in reader.listing().records}
    predictor = predictor_of([run], run.task)
    records = [next(by_id[one] for one in by_id if one.startswith(name)) for name in ids]
    for record, load in zip(records, reader.loaders(records), strict=True):
        sample = load()
        truth = sample.instances if run.task.labels else sample.mask
        assert truth is not None
        image = to_uint8(sample.image, record.id)
        yield Found(record.id, image, truth, predictor(sample.image).mask)


def sheet(folder: Path, which: str, rows: int) -> Pixels:
    """The ``median`` or the ``worst`` images of a run's test split, as evaluate ranks them.

    Returns:
        (H, W, 3) uint8.
    """
    run = open_run(folder)
    score = run.task.headline[0]
    known = [row for row in read_table(run.folder.images) if row.get(score)]
    ranked = sorted(known, key=lambda row: float(row[score]))
    first = max(0, (len(ranked) - rows) // 2) if which == "median" else 0
    chosen = {row["id"]: float(row[score]) for row in ranked[first : first + rows]}
    shown = [
        PanelRow(
            one.id, one.image, one.truth, one.prediction, run.task.words.caption(chosen[one.id])
        )
        for one in found_in(run, [*chosen])
    ]
    return panel(shown, run.task.painter)


@dataclass(frozen=True)
class Cell:
    """One picture of :func:`row`.

    Attributes:
        run: its folder.
        id: of a test record, or the beginning of it.
        label: written upon it.
        window: top, left and side of the square that is shown, in pixels; None is all of it.
    """

    run: Path
    id: str
    label: str
    window: tuple[int, int, int] | None = None


def row(cells: Sequence[Cell]) -> Pixels:
    """Images side by side, with the outlines of what was found beside those of the ground truth.

    Returns:
        (H, W, 3) uint8.
    """
    drawn = []
    for cell in cells:
        (one,) = found_in(open_run(cell.run), [cell.id])
        drawn += [_drawn(one, cell), np.full((_SIDE, _GAP, 3), 255, np.uint8)]
    return np.concatenate(drawn[:-1], axis=1)


def _drawn(one: Found, cell: Cell) -> Pixels:
    high, wide = one.truth.shape
    top, left, side = cell.window or (0, 0, min(high, wide))
    part = np.s_[top : top + side, left : left + side]
    size = (_SIDE * _FINE, _SIDE * _FINE)
    image = brightened(as_rgb(one.image))[part]
    large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    for labels, colour, width in ((one.truth, _TRUE, 1.0), (one.prediction, _FOUND, 2.0)):
        lines = [
            line
            for label in np.unique(labels[part])
            if label
            for line in _lines(labels[part] == label)
        ]
        cv2.drawContours(large, lines, -1, colour, round(width * _FINE), cv2.LINE_AA)
    small = cv2.resize(large, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    picture = Image.fromarray(small)
    ImageDraw.Draw(picture).text(
        (12, _SIDE - 12),
        cell.label,
        font=ImageFont.load_default(17),
        anchor="ls",
        fill="white",
        stroke_width=2,
        stroke_fill="black",
    )
    return np.asarray(picture, np.uint8)


def _lines(region: NDArray[np.bool_]) -> list[Any]:
    """The outline of a region at the large size, smooth where pixels make steps."""
    scale = _SIDE * _FINE / region.shape[0]
    # Blurred by a pixel, the steps of the mask's edge become the slope that they stand for.
    large = cv2.resize(
        region.astype(np.float32), None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR
    )
    soft = cv2.GaussianBlur(large, (0, 0), scale / 2) if scale > 1 else large
    found, _ = cv2.findContours((soft > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return list(found)
