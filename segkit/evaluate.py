"""``python -m segkit.evaluate run=DIR``: score a split with a saved run."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from segkit import cli
from segkit.assembly import build_data, build_reader, build_task, build_trainer
from segkit.errors import SegkitError, did_you_mean
from segkit.files import write_text
from segkit.rebuild import read_run

if TYPE_CHECKING:
    from segkit.task import SegmentationTask

_SPLITS = ("train", "val", "test", "all")


def evaluate(composed: DictConfig) -> float | None:
    """Score as configured; gives the Dice over all classes.

    Raises:
        SegkitError: not a run, no best checkpoint, or an empty or unknown split.
    """
    config = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    assert isinstance(config, dict)
    split = str(config["split"])
    if split not in _SPLITS:
        raise SegkitError(
            f"unknown split {split!r}", where="split", remedy=did_you_mean(split, _SPLITS)
        )
    folder, saved = read_run(config["run"], config["allow_targets"])
    saved |= {"trainer": config["trainer"], "run_dir": str(folder.path)}
    saved |= {"callbacks": {}, "logger": {}}
    # The split is the one that was trained with, whatever was drawn it from then.
    saved["dataset"]["split"]["file"] = str(folder.split)
    reader = build_reader(saved)
    reader.listing()

    from segkit.console import hush_lightning, show_scores
    from segkit.fit import quiet

    data = build_data(saved, reader)
    data.prepare_data()
    data.scored_split = split
    if not data.indices(split):
        raise SegkitError(
            "this split is empty", where=f"split={split}", remedy="choose split=val or split=all"
        )
    task = build_task(saved, reader.classes)
    hush_lightning()
    trainer = build_trainer(saved)
    with quiet():
        trainer.test(task, data, ckpt_path=folder.best, verbose=False, weights_only=True)
    if trainer.is_global_zero:
        write_text(folder.path / "evaluation.csv", _class_table(task, split, data.split_digest()))
        write_text(folder.path / "evaluation_per_image.csv", _image_table(task))
        show_scores(task.scores["test"], folder.path)
    return task.scores["test"]["all"].dice


def _class_table(task: SegmentationTask, split: str, digest: str) -> str:
    out = io.StringIO()
    rows = [
        {"class": name, "split": split, **asdict(scores), "split_hash": digest}
        for name, scores in task.scores["test"].items()
    ]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _image_table(task: SegmentationTask) -> str:
    from segkit.metrics import COUNTS, dice, iou

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("id", "group", "split", "class", *COUNTS, "dice", "iou"))
    counted = task.counted["test"]
    for index, counts in zip(counted.indices, counted.counts_NK4, strict=True):
        record = task.data.records[index]
        for name, four in list(zip(task.classes, counts, strict=True))[1:]:
            scores = (float(dice(four)), float(iou(four)))
            split = task.data.splits[record.id]
            writer.writerow((record.id, record.group, split, name, *four.tolist(), *scores))
    return out.getvalue()


def main() -> None:
    """Entry point of ``segkit-evaluate``."""
    cli.run(evaluate, "evaluate")


if __name__ == "__main__":
    main()
