"""Score a split with a trained network: objects in, numbers, tables and pictures out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl

from segkit.core.files import write_text
from segkit.core.run_folder import RunFolder
from segkit.core.tables import table_text
from segkit.data.datamodule import SegmentationData
from segkit.evaluation.panels import draw_panels
from segkit.tasks.base import Task
from segkit.tasks.examining import Examined, Watcher
from segkit.tasks.parts import Scores
from segkit.tasks.tally import Counted, image_rows
from segkit.training.module import SegmentationModule


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a split came to.

    Attributes:
        task: that it was scored by.
        data: name of the data set.
        split: train, val, test or all.
        split_hash: of the ``split.csv`` that it was taken from.
        scores: by class, ``all`` last.
        groups: how many were resampled for intervals.
        counted: counts by record, and the loss.
        examined: its tables and plots.
        root: of data that are not the run's own, else None.
    """

    task: Task
    data: str
    split: str
    split_hash: str
    scores: Scores
    groups: int
    counted: Counted
    examined: Examined
    root: str | None = None


def with_task(
    module: SegmentationModule,
    *,
    task: Task | None = None,
    watchers: Sequence[Watcher] = (),
) -> SegmentationModule:
    """A module of the same network, which scores it otherwise.

    Args:
        module: with the weights to score.
        task: to score it by; None for the module's own.
        watchers: are shown all that is scored.
    """
    return SegmentationModule(
        task=task or module.task,
        network=module.network,
        loss=module.loss,
        optimizer=module.optimizer,
        schedule=module.schedule,
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
    other: bool = False,
) -> Evaluation:
    """Score one split. Every process must call it; each gets the same.

    Args:
        module: with the weights and the task to score.
        data: prepared; the split that its test loader serves is not empty.
        trainer: that runs it.
        surface_tolerance: in pixels; None measures no surfaces.
        seed: of the intervals' resamples.
        other: the data are not the run's own, and every row names their root.
    """
    examination = module.task.scorer.examination(surface_tolerance=surface_tolerance)
    scored = with_task(module, watchers=examination.watchers)
    trainer.test(scored, data, verbose=False)
    counted = scored.counted["test"]
    groups = [data.records[i].group for i in counted.indices]
    names = {
        "data": data.dataset_name,
        "split": data.scored_split,
        "split_hash": data.split_digest(),
    }
    root = str(data.reader.root.absolute()) if other else None
    columns = names | ({"root": root} if root else {})
    units = data.groups(counted.indices)
    return Evaluation(
        task=module.task,
        **names,
        root=root,
        scores=scored.scores["test"],
        groups=len(set(groups)),
        counted=counted,
        examined=examination.finish(counted, units, groups, columns=columns, seed=seed),
    )


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
    counted, examined = evaluation.counted, evaluation.examined
    scorer = evaluation.task.scorer
    images = image_rows(
        counted, data.records, splits, scorer.image_cells(counted.counts), examined.extras
    )
    tables, columns = RunFolder(folder), [*examined.columns]
    if evaluation.root:
        columns.insert(columns.index("data") + 1, "root")
    write_text(tables.evaluation, table_text(columns, examined.rows))
    write_text(tables.images, table_text(scorer.image_columns, images))
    for name, (headings, found) in examined.tables.items():
        named = ((data.records[i].id, row) for i, several in found.items() for row in several)
        rows = [{"id": record, **row} for record, row in named]
        write_text(folder / name, table_text(headings, rows))
    examined.plots(pictures, f"{len(counted.indices)} images ({evaluation.split})")
    draw_panels(pictures, module, data, trainer, counted)
