"""Fit, test the best checkpoint, write the summary: objects in, a complete run folder out."""

import logging
import signal
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from segkit.core.checksums import content_hash
from segkit.core.heap import freed_is_kept
from segkit.core.run_folder import RunFolder, environment
from segkit.core.tables import table_text
from segkit.data.datamodule import SegmentationData
from segkit.data.splits import tested_alone
from segkit.models.flops import flops
from segkit.tasks.tally import image_rows
from segkit.training.callbacks.interrupts import Stopped, received
from segkit.training.callbacks.overfit import learnt
from segkit.training.checkpoints import Position
from segkit.training.fitted import fit_decoder
from segkit.training.module import SegmentationModule
from segkit.training.step_errors import compiled, memory_told

log = logging.getLogger(__name__)


def fit(
    data: SegmentationData,
    module: SegmentationModule,
    trainer: pl.Trainer,
    folder: RunFolder,
    *,
    monitor: str,
    compile_network: bool = False,
    resume_from: Position | None = None,
    chosen: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Train, then test the best checkpoint.

    Args:
        data: prepared.
        module: with fresh weights.
        trainer: writes to ``folder``.
        folder: claimed by this run.
        monitor: the score the best epoch is chosen by.
        compile_network: whether to torch.compile it, in place, so that names stay as they are.
        resume_from: the checkpoint to resume from.
        chosen: what was chosen for the user and why, for the summary.

    Returns:
        The contents of ``summary.json``.

    Raises:
        SegkitError: the loss stopped being finite, the disk is full, or the device's memory is;
            or the network cannot be compiled.
        Stopped: a signal asked for the end; the checkpoint is written.
    """
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
    module.network.to(memory_format=torch.channels_last)
    started = time.perf_counter()
    before = folder.seconds_before(resume_from.epoch) if resume_from else 0.0
    if resume_from is not None:
        # The Trainer asks for the loader without saying what it has of the checkpoint, and begins
        # to read it later.
        data.first_epoch, data.first_batch = resume_from.epoch, resume_from.batch
    with quiet():
        checkpoint_from = resume_from and resume_from.checkpoint
        log.info("training: %s epochs at most, on %s", trainer.max_epochs, _devices(trainer))
        on_cpu = trainer.strategy.root_device.type == "cpu"
        memory = freed_is_kept() if on_cpu else memory_told()
        with _ended_by_signals(trainer), memory, compiled(module.network, wanted=compile_network):
            trainer.fit(module, datamodule=data, ckpt_path=checkpoint_from, weights_only=True)
        _end_if_signalled(trainer)
        checkpoint = _chooser(trainer)
        best = checkpoint.best_model_path if checkpoint else ""
        fitted = fit_decoder(module, data, trainer, best)
        if data.indices("test"):
            log.info("testing the %s", "best checkpoint" if best else "last weights")
            trainer.test(
                module, datamodule=data, ckpt_path=best or None, verbose=False, weights_only=True
            )
    summary = {
        **_scores(checkpoint, monitor),
        "test": _test_scores(module) if "test" in module.scores else None,
        "wall_seconds": round(time.perf_counter() - started + before, 3),
        "epochs": trainer.current_epoch,
        "precision": str(trainer.precision),
        "chosen": dict(chosen or {}),
        **({"decoder": module.task.settings} if fitted else {}),
        "parameters": sum(p.numel() for p in module.network.parameters()),
        "flops": flops(module.network, data.channels, data.size or data.crop),
        "data": _data_facts(data),
        "split_hash": data.split_digest(),
        **learnt(trainer),
        **environment(),
    }
    if trainer.is_global_zero:
        if "test" in module.counted:
            scorer, counted = module.task.scorer, module.counted["test"]
            cells = scorer.image_cells(counted.counts)
            images = image_rows(counted, data.records, data.splits, cells)
            folder.write_images(table_text(scorer.image_columns, images))
        folder.write_summary(summary)
        _log_final(trainer, summary, module.task.tested)
    return summary


def _devices(trainer: pl.Trainer) -> str:
    """What is trained on, in words, so that a GPU that was not found is noticed at once."""
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    return name if trainer.world_size == 1 else f"{trainer.world_size} × {name}"


def _end_if_signalled(trainer: pl.Trainer) -> None:
    """After a signal that let the last epoch be finished, the test is for the resumed run."""
    by = received(trainer)
    # A signal may have reached one process alone; the others would wait for it in the test.
    if trainer.strategy.reduce_boolean_decision(by is not None, all=False):
        raise Stopped(by or signal.SIGTERM)


@contextmanager
def _ended_by_signals(trainer: pl.Trainer) -> Iterator[None]:
    """What a signal brings about is no error."""
    try:
        yield
    except SystemExit as end:
        if end.code == 128 + signal.SIGTERM:
            raise  # before the first step
        # The Trainer's answer to Ctrl-C, the second one or before the first step.
        raise KeyboardInterrupt from end
    except RuntimeError as error:
        by = received(trainer)
        # A signal to the whole job has ended a loader's process, too.
        if by is None or "DataLoader worker" not in str(error):
            raise
        raise Stopped(by) from error


def _chooser(trainer: pl.Trainer) -> ModelCheckpoint | None:
    """The callback that keeps the best checkpoint; another keeps the last."""
    known = [c for c in trainer.checkpoint_callbacks if isinstance(c, ModelCheckpoint)]
    return next((c for c in known if c.monitor), None)


def _scores(checkpoint: ModelCheckpoint | None, monitor: str) -> dict[str, Any]:
    """The best epoch, as its checkpoint tells."""
    epoch: int | None = None
    value: float | None = None
    if checkpoint and checkpoint.best_model_path:
        saved = torch.load(checkpoint.best_model_path, map_location="cpu", weights_only=True)
        epoch = int(saved["epoch"])
        score = checkpoint.best_model_score
        value = None if score is None else float(score)
    return {"best_epoch": epoch, "monitor": monitor, "best_score": value}


def _test_scores(module: SegmentationModule) -> dict[str, Any]:
    return {"loss": module.counted["test"].loss, **module.scores["test"]}


def _data_facts(data: SegmentationData) -> dict[str, Any]:
    return {
        "name": data.dataset_name,
        "root": str(data.reader.root),
        "content_hash": content_hash(data.cache.checksums),
        "classes": list(data.classes),
        "records": {stage: len(data.indices(stage)) for stage in ("train", "val", "test")},
        "depths": data.cache.depths,
        "left_out": tested_alone(data.records, data.split),
        "sequences": max(len(record.sequences) + 1 for record in data.records),
        "skipped": len(data.problems),
        "score_by": data.score_by,
        "score_at": data.score_at,
    }


def _log_final(trainer: pl.Trainer, summary: dict[str, Any], names: Sequence[str]) -> None:
    """The figures that runs are compared by, as scalars of every logger."""
    final = {f"best/{summary['monitor']}": summary["best_score"]}
    if summary["test"]:
        overall = summary["test"]["all"]
        final |= {f"test/{name}": overall[name] for name in names}
    known = {name: value for name, value in final.items() if value is not None and value == value}  # noqa: PLR0124
    for logger in trainer.loggers:
        logger.log_metrics(known, step=summary["best_epoch"] or 0)
        logger.finalize("success")


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out advice of Lightning's that does not hold here."""
    with warnings.catch_warnings():
        # The loader reads decoded pixels: more workers would take cores from the step.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # segkit logs once an epoch, and small data sets have few steps in one.
        warnings.filterwarnings("ignore", message=".*The number of training batches.*")
        # An epoch without a validation leaves the rate as it is.
        warnings.filterwarnings("ignore", message="ReduceLROnPlateau conditioned on metric.*")
        warnings.filterwarnings("ignore", message=".*could not find the monitored key.*")
        # Scores are of the whole split, and the same in every process, before they are logged.
        warnings.filterwarnings("ignore", message=".*sync_dist=True.*")
        # The run folder is claimed before; checkpoints/ in it may exist after a resume.
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists.*")
        # A test of a checkpoint needs none of the callbacks that it was written under.
        warnings.filterwarnings("ignore", message=".*callbacks used to create the checkpoint.*")
        # Its loader begins at the step that comes next; it is told so by other means.
        warnings.filterwarnings("ignore", message=".*ended before the epoch ended.*")
        # The two forms of a 1×1 kernel's gradient are one and the same in memory.
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view.*")
        # Wherever Slurm is installed; who started the processes is known by other means.
        warnings.filterwarnings("ignore", message="The .srun. command is available.*")
        # Lightning 2.6 with torch 2.15; mended in neither yet.
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        yield
