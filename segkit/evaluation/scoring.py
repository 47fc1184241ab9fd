"""Score a split with a trained network: objects in, numbers, tables and pictures out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.core.run_folder import RunFolder
from segkit.core.tables import table_text
from segkit.data.datamodule import SegmentationData
from segkit.evaluation.panels import draw_panels
from segkit.evaluation.plots import histogram, reliability
from segkit.statistics.intervals import mean_intervals
from segkit.tasks.calibration import Calibration, CalibrationTally
from segkit.tasks.decode import Watcher
from segkit.tasks.metrics import Scores, dice, iou, sum_by_group
from segkit.tasks.score_tables import (
    CLASS_COLUMNS,
    IMAGE_COLUMNS,
    class_rows,
    image_rows,
)
from segkit.tasks.surface import SurfaceTally
from segkit.tasks.tally import Counted
from segkit.tasks.thresholds import ThresholdTally, best_threshold
from segkit.training.module import SegmentationModule


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a split came to.

    Attributes:
        data: name of the data set.
        split: train, val, test or all.
        split_hash: of the ``split.csv`` that it was taken from.
        threshold: on the probability; None where the likeliest of several classes wins.
        scores: by class, ``all`` last.
        intervals: ``dice`` and ``iou``: (K, 2) bounds of their 95 % intervals, in the order of
            ``scores``; NaN where there is none.
        groups: how many were resampled for them.
        counted: counts by record, and the loss.
        calibration: of the probabilities, over pixels.
        surfaces: (K - 1, 2) HD95 and surface Dice by position; empty where not measured.
        surface_tolerance: in pixels, or None where not measured.
    """

    data: str
    split: str
    split_hash: str
    threshold: float | None
    scores: dict[str, Scores]
    intervals: dict[str, NDArray[np.float64]]
    groups: int
    counted: Counted
    calibration: Calibration
    surfaces: dict[int, NDArray[np.float64]]
    surface_tolerance: float | None

    def rows(self) -> list[dict[str, object]]:
        """The rows of ``evaluation.csv``, one a class and ``all`` last."""
        return class_rows(
            self.scores,
            self.intervals,
            list(self.surfaces.values()),
            whole={"loss": self.counted.loss, "ece": self.calibration.ece},
            every={
                "data": self.data,
                "split": self.split,
                "surface_tolerance": self.surface_tolerance,
                "threshold": self.threshold,
                "split_hash": self.split_hash,
            },
        )


def scorer(
    module: SegmentationModule,
    *,
    threshold: float | None = None,
    watchers: Sequence[Watcher] = (),
) -> SegmentationModule:
    """A module of the same network, which scores it otherwise.

    Args:
        module: with the weights to score.
        threshold: on the probability; None for the module's own.
        watchers: are shown all that is scored.
    """
    return SegmentationModule(
        network=module.network,
        loss=module.loss,
        optimizer=module.optimizer,
        schedule=module.schedule,
        classes=module.classes,
        threshold=module.threshold if threshold is None else threshold,
        freeze_encoder=module.freeze_encoder,
        watchers=watchers,
    )


def evaluate_run(
    module: SegmentationModule,
    data: SegmentationData,
    trainer: pl.Trainer,
    *,
    surface_tolerance: float | None,
    seed: int,
) -> Evaluation:
    """Score one split. Every process must call it; each gets the same.

    Args:
        module: with the weights and the threshold to score.
        data: prepared; the split that its test loader serves is not empty.
        trainer: that runs it.
        surface_tolerance: in pixels; None measures no surfaces.
        seed: of the intervals' resamples.
    """
    calibration = CalibrationTally()
    surface = SurfaceTally(len(module.classes), surface_tolerance or 0)
    watchers: list[Watcher] = [calibration] if surface_tolerance is None else [calibration, surface]
    scored = scorer(module, watchers=watchers)
    trainer.test(scored, data, verbose=False)
    counted = scored.counted["test"]
    return Evaluation(
        data=data.dataset_name,
        split=data.scored_split,
        split_hash=data.split_digest(),
        threshold=module.threshold if len(module.classes) == 2 else None,
        scores=scored.scores["test"],
        intervals=_intervals(counted, data, seed),
        groups=len({data.records[i].group for i in counted.indices}),
        counted=counted,
        calibration=calibration.finish(),
        surfaces=surface.finish(),
        surface_tolerance=surface_tolerance,
    )


def _intervals(
    counted: Counted, data: SegmentationData, seed: int
) -> dict[str, NDArray[np.float64]]:
    """What is resampled are groups, also where a score is of a single image."""
    units = data.groups(counted.indices)
    group_of = dict(zip(units, (data.records[i].group for i in counted.indices), strict=True))
    names, counts_UK4 = sum_by_group(counted.counts_NK4, units)
    groups = [group_of[name] for name in names]
    return {
        name: mean_intervals(score(counts_UK4[:, 1:]), groups, seed=seed)
        for name, score in (("dice", dice), ("iou", iou))
    }


def pick_threshold(
    module: SegmentationModule, data: SegmentationData, trainer: pl.Trainer
) -> tuple[float, float]:
    """The threshold that the run's validation split is scored best with, and its Dice there.

    Args:
        module: with the weights to score.
        data: prepared; its test loader serves the validation split.
        trainer: that runs it.

    Raises:
        SegkitError: there is nothing to find in that split.
    """
    tally = ThresholdTally()
    trainer.test(scorer(module, watchers=[tally]), data, verbose=False)
    indices, counts_NT4 = tally.finish()
    try:
        return best_threshold(counts_NT4, data.groups(indices))
    except ValueError as error:
        raise SegkitError(
            "no threshold can be picked: the validation split has nothing to find",
            where="threshold=auto",
            remedy="set a number: threshold=0.5",
        ) from error


def write_evaluation(
    folder: Path,
    pictures: Path,
    *,
    evaluation: Evaluation,
    module: SegmentationModule,
    data: SegmentationData,
    trainer: pl.Trainer,
    splits: Mapping[str, str],
) -> None:
    """Write the tables and the pictures.

    Args:
        folder: for the tables.
        pictures: folder for the pictures.
        evaluation: to be written.
        module: that was scored; it predicts the images that are drawn once more.
        data: that was scored.
        trainer: that scored them.
        splits: by record id; empty where the records have none.

    Raises:
        SegkitError: the folder cannot be written to.
    """
    counted, names = evaluation.counted, module.classes
    images = image_rows(counted, data.records, splits, names, evaluation.surfaces)
    tables = RunFolder(folder)
    write_text(tables.evaluation, table_text(CLASS_COLUMNS, evaluation.rows()))
    write_text(tables.images, table_text(IMAGE_COLUMNS, images))
    dice_NK = dice(counted.counts_NK4)
    by_class = {name: dice_NK[:, k] for k, name in enumerate(names) if k}
    title = f"{len(counted.indices)} images ({evaluation.split})"
    histogram(pictures / "scores.png", by_class, title=title)
    reliability(pictures / "reliability.png", evaluation.calibration, binary=len(names) == 2)
    draw_panels(pictures, module, data, trainer, counted)
