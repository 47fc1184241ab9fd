"""``python -m segkit.evaluate run=DIR``: score a split with a saved run."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from segkit.config.checks import check_values
from segkit.config.plain import resolved
from segkit.config.sizes import AUTO
from segkit.config.trust import refuse_links
from segkit.config.values import EVALUATE
from segkit.core.errors import SegkitError
from segkit.core.run_folder import EVALUATION, RunFolder
from segkit.core.values import check
from segkit.evaluation.own_data import are_own, place
from segkit.evaluation.request import (
    check_classes,
    may_be_copy,
    split_of_others,
    undivided,
    with_settings,
    with_source,
    with_split,
)
from segkit.runs import cli
from segkit.runs.build import build_data, build_module, build_reader, build_trainer
from segkit.runs.call import Call
from segkit.runs.saved import open_run
from segkit.tasks.named import decoder_settings, judged

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from segkit.data.datamodule import SegmentationData
    from segkit.data.readers.base import Reader
    from segkit.evaluation.scoring import Evaluation
    from segkit.training.module import SegmentationModule


class Scored(NamedTuple):
    """What was scored, with what, and the result.

    Attributes:
        folder: of the run.
        evaluation: the result.
        module: with the run's weights.
        data: that were scored.
        of_run: whether they are the run's own, or a copy of them, by their pixels.
        trainer: that scored them.
        settings: of the decoder that are not the run's own, as predict takes them.
        judged: whether the scores are of another task than the run's.
    """

    folder: RunFolder
    evaluation: Evaluation
    module: SegmentationModule
    data: SegmentationData
    of_run: bool
    trainer: pl.Trainer
    settings: tuple[str, ...]
    judged: bool


def evaluate(config: dict[str, Any], call: Call) -> float | None:
    """Score as configured, into the run's folder; gives the task's leading score over all classes.

    Raises:
        SegkitError: see :func:`measure`.
    """
    scored = measure(config, call.overrides)
    task, split = scored.module.task, scored.evaluation.split
    if scored.trainer.is_global_zero:
        _write(scored)
        if scored.of_run and split in ("val", "all") and (keys := _picked(config, scored)):
            what = f"{' and '.join(keys)} {'was' if len(keys) == 1 else 'were'} picked"
            print(f"the {what} on records scored here, which flatters their scores")
    return scored.evaluation.scores["all"][task.headline[0]]


def measure(config: dict[str, Any], overrides: Sequence[str]) -> Scored:
    """Score as configured; nothing is written.

    Args:
        config: of ``conf/evaluate.yaml``.
        overrides: of it, ``key=value``, as given.

    Raises:
        SegkitError: not a run, other data that do not fit it, an empty or unknown split.
    """
    check(config, EVALUATE)
    run = open_run(config["run"], config["allow_targets"])
    folder = run.folder
    refuse_links(folder.path, EVALUATION)
    own = with_settings(run.config, config, overrides)
    machine = ("max_megapixels", "large", "tile", "overlap")
    own |= {key: config[key] for key in machine if config[key] is not None}
    check_values(own)
    own = with_split({**own, "run_dir": str(folder.path)}, folder.split)
    given = decoder_settings(config)
    task = judged(run.task, config["score_as"]).with_settings(given, auto=True)
    own["task"], other = task.name, task.name != run.task.name
    scored = with_source(own, config["dataset"])
    reader, split = build_reader(scored or own), str(config["split"])
    check_classes(reader.classes, run.classes)
    cli.say("loading PyTorch …")
    if scored:
        same = "reader" not in config["dataset"]
        data, of_run = _others(scored, reader, split, folder, same_reader=same)
    else:
        data, of_run = load_data(own, reader, split), True
    of_run = of_run and are_own(data, folder, own if scored else None, truths=not other)
    _check_not_empty(data, split)

    from segkit.evaluation.scoring import evaluate_run, with_task
    from segkit.training.console import hushed_lightning
    from segkit.training.fit import quiet
    from segkit.training.foresight import foresee

    module = build_module(own, task, run.network)
    foresee(data, module, own["trainer"], training=False)
    with hushed_lightning(), quiet():
        trainer = build_trainer(own)
        if AUTO in given.values():
            module = with_task(module, task=task.with_settings(_fitted(own, module, trainer)))
        tolerance = config["surface_tolerance"] if config["surface"] else None
        evaluation = evaluate_run(
            module,
            data,
            trainer,
            surface_tolerance=tolerance,
            seed=config["seed"],
            other=not of_run,
        )
    used, kept = module.task.settings, run.task.settings
    settings = tuple(f"{key}={used[key]}" for key in kept if used[key] != kept[key])
    return Scored(folder, evaluation, module, data, of_run, trainer, settings, other)


def _picked(config: dict[str, Any], scored: Scored) -> list[str]:
    """The decoder's settings that validation has chosen: now, or when training ended."""
    given = decoder_settings(config)
    fitted = scored.folder.read_summary().get("decoder")  # where something was fitted
    before = [key for key in fitted if key not in given] if isinstance(fitted, dict) else []
    return [key for key, value in given.items() if value == AUTO] or before


def _check_not_empty(data: SegmentationData, split: str) -> None:
    if data.indices(split):
        return
    full = [f"split={other}" for other in ("train", "val", "test", "all") if data.indices(other)]
    remedy = f"choose {' or '.join(full)}" if full else "score data that have masks"
    raise SegkitError("this split is empty", where=f"split={split}", remedy=remedy)


def _write(scored: Scored) -> None:
    """Results on other data, or by another task's scores, never replace those of the run."""
    from segkit.evaluation.report import report_or_warn
    from segkit.evaluation.scoring import write_evaluation
    from segkit.evaluation.terminal import show_evaluation
    from segkit.runs.next_steps import an_image, predict_with

    folder, evaluation, module, data, of_run, trainer, settings, other = scored
    tables, drawn = folder.path, folder.pictures
    if other:
        tables = drawn = folder.judged(module.task.name).path
    if not of_run:
        tables = drawn = place(folder, data)
    write_evaluation(
        tables,
        drawn,
        evaluation=evaluation,
        module=module,
        data=data,
        trainer=trainer,
        splits=data.splits if data.split.file == str(folder.split) else {},
    )
    if other:  # which ground truth these scores are of
        RunFolder(tables).write_checksums(data.cache.checksums)
    elif of_run:
        report_or_warn(folder)
    image = an_image(data)
    step = predict_with(folder.path, image, *settings) if image else ""
    show_evaluation(evaluation, folder.path, tables, drawn, step)


def _others(
    config: dict[str, Any], reader: Reader, split: str, folder: RunFolder, *, same_reader: bool
) -> tuple[SegmentationData, bool]:
    """Other data, prepared, and whether they are divided as the run's, which they may be."""
    records = reader.listing().records
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        if config["dataset"]["on_bad_record"] == "skip" and may_be_copy(
            records, folder, same_reader=same_reader
        ):
            # The run's table lacks what could not be read, which only reading tells.
            readable = with_split(config, undivided(records, scratch))
            records = load_data(readable, reader, split).records
        file, alike = split_of_others(records, split, folder, scratch, same_reader=same_reader)
        return load_data(with_split(config, file), reader, split), alike


def load_data(config: dict[str, Any], reader: Reader, split: str) -> SegmentationData:
    """Data that are prepared; a test is of ``split``. Cautions are told."""
    data = build_data(config, reader, scored_split=split)
    data.prepare_data()
    for caution in data.cautions:
        print(f"warning: {caution.where}: {caution.what}; {caution.remedy}", file=sys.stderr)
    return data


def _fitted(
    own: dict[str, Any], module: SegmentationModule, trainer: pl.Trainer
) -> dict[str, float]:
    """The decoder's settings that serve the run's validation split best."""
    from segkit.evaluation.scoring import with_task
    from segkit.training.foresight import foresee

    validation = load_data(own, build_reader(own), "val")
    foresee(validation, module, own["trainer"], training=False)
    fitting = module.task.scorer.fitting()
    trainer.test(with_task(module, watchers=[fitting]), validation, verbose=False)
    settings, words = fitting.best(validation.groups)
    if trainer.is_global_zero:
        print(words)
    return settings


def main() -> None:
    """Entry point of ``segkit-evaluate``."""
    cli.run(lambda composed, call: evaluate(resolved(composed), call), "evaluate")


if __name__ == "__main__":
    main()
