"""The images on which configurations disagree most, each prediction beside the ground truth."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.comparison.comparison import Comparison
from segkit.comparison.configurations import Configuration
from segkit.comparison.run_scores import RunScores, image_scores
from segkit.core.contracts import Record, Truth
from segkit.core.errors import SegkitError
from segkit.data.cache_build import pixels_checksum
from segkit.data.readers.base import Reader
from segkit.drawing.overlay import Picture
from segkit.drawing.panel import PanelRow, panel
from segkit.imaging.pixels import to_uint8
from segkit.inference.predictor import Predictor
from segkit.runs.build import build_reader
from segkit.runs.load import predictor_of

Values = NDArray[np.float64]
_MOST_ANSWERS = 4  # configurations a picture has room for


def disagreements(comparison: Comparison, count: int) -> dict[str, Picture]:
    """Predict the images anew, with the first seed of the baseline and of the others.

    Args:
        comparison: whose runs' data are still there.
        count: images to show.

    Returns:
        A sheet (H, W, 3) uint8 by record id, the widest disagreement first; none where all agree.

    Raises:
        SegkitError: the data or a checkpoint cannot be read, or the data are others by now.
    """
    shown = comparison.configurations[:_MOST_ANSWERS]
    ids = _widest(shown, comparison.score, count)
    if not ids:
        return {}
    first = shown[0].runs[0][0]
    # Objects are told apart in the ground truth where they are scored.
    reader = build_reader({**first.config, "task": first.task.name})
    records = {record.id: record for record in reader.listing().records}
    known = [records[name] for name in ids if name in records]
    predictors: dict[Path, Predictor] = {}
    sheets = {}
    for record, load in zip(known, reader.loaders(known), strict=True):
        sample = load()
        truth: Any = sample.instances if first.task.labels else sample.mask
        _check_truth(truth, record, shown[0], reader)
        rows = []
        for each in shown:
            run = _tester(each, record.id)
            if run is None:
                continue
            if run.folder not in predictors:
                predictors[run.folder] = predictor_of([run.run], run.task)
            found = predictors[run.folder](sample.image)
            score = dict(zip(run.ids, image_scores(run, comparison.score), strict=True))[record.id]
            image = to_uint8(sample.image, record.id)
            caption = run.task.words.caption(float(score))
            rows.append(PanelRow(each.name, image, truth, found.mask, caption))
        sheets[record.id] = panel(rows, first.task.painter)
    return sheets


def _check_truth(
    truth: Truth | None, record: Record, configuration: Configuration, reader: Reader
) -> None:
    """The scores that stand beside a picture are of this ground truth."""
    run = _tester(configuration, record.id)
    scored = run.truths[run.ids.index(record.id)] if run else ""
    if scored and pixels_checksum(truth) != scored:
        raise SegkitError(
            f"the ground truth of {record.id} is not what it was scored with",
            where=f"dataset.root={reader.root}",
            remedy="restore the data that the runs were tested on",
        )


def _widest(shown: Sequence[Configuration], score: str, count: int) -> list[str]:
    """Ids of the images whose scores lie furthest apart."""
    by_id: dict[str, list[float]] = {}
    for each in shown:
        for run in each.runs[0]:
            for name, value in zip(run.ids, image_scores(run, score), strict=True):
                by_id.setdefault(name, []).append(float(value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # undefined in every run
        apart = {name: float(np.nanmax(v) - np.nanmin(v)) for name, v in by_id.items()}
    wide = [name for name, extent in apart.items() if extent > 0]
    return sorted(wide, key=lambda name: (-apart[name], name))[:count]


def _tester(each: Configuration, record: str) -> RunScores | None:
    return next((run for run in each.runs[0] if record in run.ids), None)
