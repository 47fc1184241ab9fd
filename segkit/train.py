"""``python -m segkit.train``: fit, then test the best checkpoint, into a run folder."""

from __future__ import annotations

import logging
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from segkit.config.plain import resolved
from segkit.core.errors import SegkitError
from segkit.core.first_process import is_first_process
from segkit.core.quoting import escaped
from segkit.core.run_folder import RunFolder
from segkit.runs import cli
from segkit.runs.begun import folder_to_resume, is_done
from segkit.runs.build import (
    build_data,
    build_module,
    build_reader,
    build_trainer,
    without_weights,
)
from segkit.runs.call import Call
from segkit.runs.checks import check_inference, check_training, check_training_part
from segkit.runs.claim import claim, held, remove_if_empty
from segkit.runs.monitor import asked_for, fall_back, in_words
from segkit.runs.resume import (
    check_same_data,
    recorded_choices,
    resumed_config,
    with_own_split,
)
from segkit.runs.settled import settle, settle_epochs, settle_loss, tell
from segkit.tasks.named import build_task

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

    from segkit.data.datamodule import SegmentationData
    from segkit.data.readers.base import Reader
    from segkit.training.module import SegmentationModule


def train(composed: DictConfig, call: Call) -> RunFolder:
    """Train as configured; gives the run's folder.

    Args:
        composed: of ``conf/train.yaml``; its ``run_dir`` and a batch size that was found are put
            into it, for what is interpolated from them.
        call: how the command was called.

    Raises:
        SegkitError: any mistake in the configuration or the data.
    """
    resume = folder_to_resume(composed, call)
    if resume and resume != call.output:
        remove_if_empty(call.output)  # made by Hydra before it knew
    if resume:
        config = resumed_config(composed, resume, call.overrides)
    else:
        config = _resolve(composed, call.output)
    if resume and is_done(RunFolder(resume), config):
        return _done_before(RunFolder(resume))
    check_training(config)
    check_inference(config)
    reader = build_reader(config)
    task = build_task(config, reader.classes)
    _announce(reader)
    config = settle(composed, config, reader)

    cli.say("loading PyTorch …")
    from segkit.training.batch_size import fit_batch
    from segkit.training.console import hushed_lightning

    data = build_data(with_own_split(config, RunFolder(resume)) if resume else config, reader)
    data.prepare_data()
    check_training_part(data)
    if resume:
        check_same_data(data, RunFolder(resume))
    elif fall_back(composed, data):
        config = _resolve(composed, call.output)
    data.panel_indices()
    config, weights = settle_loss(composed, config, data)
    cli.say(f"building {config['choices']['model']} …")
    trained = resume is not None and RunFolder(resume).last.is_file()
    module = build_module(without_weights(config) if trained else config, task)
    chosen = recorded_choices(config) if trained else module.network.chosen | weights
    tell(chosen, multirun=call.multirun)
    found = chosen | fit_batch(data, module, config["trainer"])
    found |= settle_epochs(composed, config, data)
    _foresee(data, module, config)
    composed.dataset.batch_size = data.batch_size  # config.yaml has the number
    for name, value in module.network.found.items():
        OmegaConf.update(composed, f"model.{name}", value, force_add=True)
    folder = RunFolder(resume) if resume else _claim(call, anew=composed.resume is True)
    if not resume:
        config = _resolve(composed, folder.path)
    with held(folder) if is_first_process() else nullcontext(), hushed_lightning():
        _fit(
            config, data, module, folder, found, resumed=resume is not None, alone=not call.multirun
        )
    return folder


def _done_before(folder: RunFolder) -> RunFolder:
    if is_first_process():
        from segkit.evaluation.killed_end import end_killed

        end_killed(folder)
        print(f"done before: {folder.path} (more: trainer.max_epochs=N)", flush=True)
    return folder


def _foresee(data: SegmentationData, module: SegmentationModule, config: dict[str, Any]) -> None:
    from segkit.training.foresight import foresee

    if estimate := foresee(data, module, config["trainer"]):
        print(estimate, flush=True)


def _fit(
    config: dict[str, Any],
    data: SegmentationData,
    module: SegmentationModule,
    folder: RunFolder,
    found: dict[str, str],
    *,
    resumed: bool,
    alone: bool,
) -> None:
    """From objects to a complete run folder."""
    from segkit.evaluation.report import report_or_warn
    from segkit.runs.loggers import close
    from segkit.runs.next_steps import after_training
    from segkit.runs.resume_point import clear_leftovers, starting_point
    from segkit.training.callbacks.interrupts import REQUEUE, Stopped
    from segkit.training.console import automatic_settings, log_to, show_stopped, show_summary
    from segkit.training.fit import fit

    first = is_first_process()
    trainer = _trainer(config, folder)
    with log_to(folder.log, first_process=first):
        try:
            position = starting_point(folder, trainer.world_size) if resumed else None
            if first:
                if resumed:
                    clear_leftovers(folder, position)
                _begin(folder, config, data, trainer, resumed=position is not None)
            summary = fit(
                data,
                module,
                trainer,
                folder,
                monitor=config["monitor"],
                compile_network=config["compile"],
                resume_from=position,
                chosen=automatic_settings(config, data, trainer) | in_words(config) | found,
            )
        except Stopped as stopped:
            if not first:
                return  # the first process reports how it ended
            show_stopped(stopped.by, folder.path)
            if stopped.by == REQUEUE:
                signal.raise_signal(REQUEUE)  # heard by who asked for it
            raise SystemExit(128 + stopped.by) from None  # as a shell counts signals
        finally:
            close(trainer.loggers)
        if first:
            report_or_warn(folder)
            # A sweep says it once, at its end.
            steps = after_training(summary, folder.path, data) if alone else []
            show_summary(summary, module.task.words, folder.path, steps)


def _begin(
    folder: RunFolder,
    config: dict[str, Any],
    data: SegmentationData,
    trainer: Trainer,
    *,
    resumed: bool,
) -> None:
    """Write down what is about to be done, and say it."""
    from segkit.runs.loggers import log_configuration
    from segkit.training.console import show_data

    folder.write_config(config)
    if not resumed:
        folder.write_checksums(data.cache.checksums)
        folder.write_split(data.split_csv())
    log_configuration(trainer.loggers, config, resumed=resumed)
    show_data(data, folder.path, monitor=config["monitor"], asked=asked_for(config))


def _trainer(config: dict[str, Any], folder: RunFolder) -> Trainer:
    try:
        return build_trainer(config)
    except SegkitError:
        remove_if_empty(folder.path)  # which may have another name than Hydra gave it
        raise


def _announce(reader: Reader) -> None:
    """List the data before torch is imported: one that is not there is found out at once."""
    found = reader.listing()
    if is_first_process():
        # The next word takes seconds.
        print(f"{len(found.records)} records in {reader.root}", flush=True)
        if others := reader.passed_over():
            print(others, flush=True)


def _resolve(composed: DictConfig, run_dir: Path) -> dict[str, Any]:
    composed.run_dir = escaped(str(run_dir))
    return resolved(composed)


def _claim(call: Call, *, anew: bool) -> RunFolder:
    if not is_first_process():
        return RunFolder(call.output)  # the first process has claimed it
    return claim(call.output, chosen_by_user=call.chosen_by_user, anew=anew)


def _best_score(composed: DictConfig, call: Call) -> float | None:
    """Train; the score is what Hydra's sweepers optimise.

    Raises:
        SystemExit: 1 where a batch was to be learnt by heart, and was not; the other jobs of a
            sweep still run.
    """
    asked = composed.monitor
    summary = train(composed, call).read_summary()
    if summary.get("learnt") is False and not call.multirun and is_first_process():
        raise SystemExit(1)
    score: float | None = summary.get("best_score")
    return score if summary.get("monitor") == asked else None  # of another, it says nothing here


def main() -> None:
    """Entry point of ``segkit-train``."""
    logging.captureWarnings(True)
    cli.run(_best_score, "train")


if __name__ == "__main__":
    main()
