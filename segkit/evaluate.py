"""``python -m segkit.evaluate run=DIR``: score a split with a saved run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from segkit import cli
from segkit.assembly import build_data, build_reader, build_task, build_trainer
from segkit.config_check import check_values
from segkit.errors import SegkitError
from segkit.evaluation_setup import (
    check_classes,
    check_request,
    check_threshold,
    split_of_others,
    with_settings,
    with_source,
    with_split,
)
from segkit.rebuild import read_run, rebuild

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from segkit.data.datamodule import SegmentationData
    from segkit.task import SegmentationTask


def evaluate(composed: DictConfig) -> float | None:
    """Score as configured; gives the Dice over all classes.

    Raises:
        SegkitError: not a run, other data that do not fit it, an empty or unknown split.
    """
    resolved = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    config = {str(key): value for key, value in resolved.items()}
    check_request(config)
    folder, saved = read_run(config["run"], config["allow_targets"])
    own = with_settings(saved, config, list(HydraConfig.get().overrides.task))
    check_values(own)
    own = with_split({**own, "run_dir": str(folder.path)}, folder.split)
    classes = build_reader(own).classes
    check_threshold(config["threshold"], classes)
    scored = with_source(own, config["dataset"])
    reader = build_reader(scored or own)
    check_classes(reader.classes, classes)
    split, records = str(config["split"]), reader.listing().records
    with tempfile.TemporaryDirectory() as scratch:
        of_run = True
        if scored:
            file, of_run = split_of_others(records, split, folder, Path(scratch))
            scored = with_split(scored, file)
        data = build_data(scored or own, reader)
        data.prepare_data()
    if not data.indices(split):
        where, remedy = f"split={split}", "choose split=val or split=all"
        raise SegkitError("this split is empty", where=where, remedy=remedy)

    from segkit.console import hush_lightning
    from segkit.evaluation import evaluate_run, write_evaluation
    from segkit.evaluation_text import show_evaluation
    from segkit.fit import quiet
    from segkit.report import report_or_warn

    task = build_task(own, classes)
    task.network = rebuild(folder.path, config["allow_targets"]).network
    hush_lightning()
    trainer = build_trainer(own)
    with quiet():
        task.threshold = _threshold(config["threshold"], own, task, trainer)
        tolerance = config["surface_tolerance"] if config["surface"] else None
        evaluation = evaluate_run(
            task, data, trainer, split=split, surface_tolerance=tolerance, seed=config["seed"]
        )
    if trainer.is_global_zero:
        write_evaluation(folder.path, evaluation, task, data, data.splits if of_run else {})
        report_or_warn(folder)
        show_evaluation(evaluation, folder.path)
        if config["threshold"] == "auto" and of_run and split in ("val", "all"):
            print("the threshold was picked on records scored here, which flatters their scores")
    return evaluation.scores["all"].dice


def _threshold(
    given: float | str | None, own: dict[str, Any], task: SegmentationTask, trainer: pl.Trainer
) -> float:
    """The run's, the given one, or the one that serves the run's validation split best."""
    if given is None:
        return task.threshold
    if given != "auto":
        return float(given)
    from segkit.evaluation import pick_threshold

    validation: SegmentationData = build_data(own, build_reader(own))
    validation.prepare_data()
    threshold, score = pick_threshold(task, validation, trainer)
    if trainer.is_global_zero:
        count = len(validation.indices("val"))
        print(f"threshold {threshold} scores best on {count} validation images: dice {score:.4f}")
    return threshold


def main() -> None:
    """Entry point of ``segkit-evaluate``."""
    cli.run(evaluate, "evaluate")


if __name__ == "__main__":
    main()
