"""What a person reads at the terminal, and what ``train.log`` keeps of it."""

import logging
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import lightning.pytorch as pl

from segkit.core.contracts import Problem
from segkit.core.errors import SegkitError
from segkit.core.hardware import precision_and_reason
from segkit.core.numbers import shown
from segkit.core.shell import command, relative
from segkit.core.terminal import console, show_facts, show_line
from segkit.data.datamodule import SegmentationData
from segkit.data.foreground import cautions
from segkit.data.loaders import batch_bytes, worker_count
from segkit.data.sides import side_cautions
from segkit.data.split_units import left_out
from segkit.tasks.words import Words

log = logging.getLogger("segkit")

_FEW = 10  # scores of fewer come with a caution
_BENEATH = "rich_proxied_file"  # of what stands in for stderr while a bar is drawn: stderr itself


@contextmanager
def hushed_lightning() -> Iterator[None]:
    """Leave Lightning's advertisements and state reports out; its warnings stay."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.level, each.handlers, each.propagate) for each in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
        # It brings a handler of its own, which would print what ours prints too.
        logger.handlers = []
        logger.propagate = True
    try:
        yield
    finally:
        for logger, level, handlers, propagate in before:
            logger.setLevel(level)
            logger.handlers, logger.propagate = handlers, propagate


class _ToTerminal(logging.StreamHandler[TextIO]):
    """Writes to what stderr is now: while a bar is drawn, to the place above it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        # Where stderr goes to a file, the bar's place on the terminal is none for it.
        return sys.stderr if sys.stderr.isatty() else getattr(sys.stderr, _BENEATH, sys.stderr)


@contextmanager
def log_to(path: Path, *, first_process: bool) -> Iterator[None]:
    """Send the log to a file and to stderr."""
    level = logging.INFO if first_process else logging.ERROR
    handlers: list[logging.Handler] = []
    to_terminal = _ToTerminal()
    to_terminal.setLevel(level)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    handlers.append(to_terminal)
    if first_process:
        to_file = logging.FileHandler(path, encoding="utf-8", errors="surrogateescape")
        to_file.setLevel(logging.DEBUG)
        to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(to_file)
    root = logging.getLogger()
    before = [(each, each.level) for each in (root, log)]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.DEBUG if first_process else level)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    except Exception as error:
        if first_process:
            # Whoever catches it writes to the terminal.
            bug = None if isinstance(error, SegkitError) else sys.exc_info()
            to_file.handle(log.makeRecord(log.name, logging.ERROR, "", 0, "%s", (error,), bug))
        raise
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        for logger, its_level in before:
            logger.setLevel(its_level)


def show_data(
    data: SegmentationData, folder: Path, *, monitor: str, asked: str | None = None
) -> None:
    """Say what is trained on, how it was split, what it lacks, and where the run lies.

    Args:
        data: prepared.
        folder: of the run.
        monitor: what the best epoch is chosen by.
        asked: what it was to be chosen by, where validation has no foreground to do so.
    """
    records = {stage: len(data.indices(stage)) for stage in ("train", "val", "test")}
    counts = "  ".join(f"{stage} {count}" for stage, count in records.items())
    log.info("data: %s (%s), in %s", data.dataset_name, counts, data.reader.root)
    strata = Counter(data.records[i].stratum for i in data.indices("all"))
    if set(strata) != {""}:
        named = ", ".join(f"{name or 'none'} {count}" for name, count in sorted(strata.items()))
        how = "balanced over" if data.split.stratify else "not balanced over"
        log.info("split: %s strata: %s", how, named)
    if data.split.folds == "each" and data.split.file is None:
        name, _ = left_out(data.records, data.split.group_by, data.split.fold)
        log.info("test: %s %s, left out of training", data.split.group_by, name or "none")
    if data.problems:
        log.warning("%d records were left out (dataset.on_bad_record=skip):", len(data.problems))
        for problem in data.problems[:20]:
            log.warning("  %s: %s", problem.where, problem.what)
    lacks = cautions(data, monitor=monitor, asked=asked)
    for caution in (*data.cautions, *_mirrored(data), *lacks):
        log.warning("warning: %s: %s; %s", caution.where, caution.what, caution.remedy)
    if data.overfit_batches:
        few = len(data.indices("train"))
        log.info("overfit: %d training images, the same each epoch; they validate too", few)
    log.info("split hash: %s  run folder: %s", data.split_digest(), folder)


def _mirrored(data: SegmentationData) -> list[Problem]:
    training = (data.records[i].id for i in data.indices("train"))
    masks = () if data.truth.labels else map(data.cache.mask, training)
    return side_cautions(data.classes, data.augmentation, masks)


def show_summary(
    summary: Mapping[str, Any], words: Words, folder: Path, steps: Sequence[tuple[str, str]]
) -> None:
    """The end of a training: best epoch, test scores, where all lies, and next steps.

    Args:
        summary: of the run.
        words: of its task.
        folder: of the run.
        steps: what each command that may follow is for, and the command.
    """
    place = relative(folder)
    epoch = "none" if summary["best_epoch"] is None else str(summary["best_epoch"])
    best = f"{epoch} ({summary['monitor']} {shown(summary['best_score'])})"
    tested = "no record is in the test split"
    if summary["test"]:
        tested = _tested(summary["test"], words)
    profiles = ", ".join(f"{place}/{path.name}" for path in sorted(folder.glob("*-profile.txt")))
    lines = {
        "best epoch": best,
        "test": tested,
        "time": f"{summary['wall_seconds']:.0f} s, {summary['precision']}",
        "run folder": place,
        "report": f"{place}/report.html",
        **({"profile": profiles} if profiles else {}),
        **(summary.get("chosen") or {}),
    }
    out = console()
    show_facts(out, lines.items())
    if steps:
        show_line(out, "\nNext steps:")
    for what, command_line in steps:
        show_line(out, f"  {what}", "dim")
        show_line(out, f"    {command_line}")  # alone on its line: three clicks take it
    # In the file only: the terminal has the table.
    log.debug("best epoch %s; test: %s", best, tested)


def show_stopped(by: signal.Signals, folder: Path) -> None:
    """The end of a training that was stopped: nothing is lost, and how to resume."""
    again = command("train", f"resume={relative(folder)}")
    log.warning("stopped by %s, checkpoint written; resume with: %s", by.name, again)


def _tested(scores: Mapping[str, Any], words: Words) -> str:
    """The test in words, and whether it is of enough to mean something."""
    count = scores["all"]["n"]
    few = f"; {count} {'is' if count == 1 else 'are'} too few to rely on" if count < _FEW else ""
    return words.summary_line(scores) + few


def automatic_settings(
    config: Mapping[str, Any], data: SegmentationData, trainer: pl.Trainer
) -> dict[str, str]:
    """In words, what ``auto`` came to; what was asked for is left out.

    Args:
        config: of the run.
        data: its datamodule.
        trainer: on its device.
    """
    found = {}
    if config["trainer"]["precision"] == "auto":
        reason = precision_and_reason(config["trainer"]["accelerator"])[1]
        found["precision"] = f"{trainer.precision}: {reason}"
    if data.device_cache:
        found["input"] = f"training images are held on {trainer.strategy.root_device}"
    elif data.num_workers == "auto":
        on_gpu = trainer.strategy.root_device.type == "cuda"
        batch = batch_bytes(data.dataset("train"), data.batch_size)
        workers, reason = worker_count(
            "auto", on_gpu=on_gpu, batch=batch, processes=trainer.num_devices
        )
        found["loader"] = f"{workers} processes: {reason}"
    return found
