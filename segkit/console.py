"""What a person reads at the terminal, and what ``train.log`` keeps of it."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from segkit.data.datamodule import SegmentationData
from segkit.metrics import Scores

log = logging.getLogger("segkit")
_LOGGERS = ("segkit", "lightning", "lightning.pytorch", "lightning.fabric", "py.warnings")


@contextmanager
def log_to(path: Path, *, first_process: bool) -> Iterator[None]:
    """Send the log to a file, and warnings (without a terminal, everything) to stderr."""
    level = logging.INFO if first_process else logging.ERROR
    handlers: list[logging.Handler] = []
    to_terminal = logging.StreamHandler()
    # On a terminal the progress bar already shows how each epoch went.
    to_terminal.setLevel(logging.WARNING if Console(stderr=True).is_terminal else level)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    handlers.append(to_terminal)
    if first_process:
        to_file = logging.FileHandler(path, encoding="utf-8")
        to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(to_file)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.WARNING)
    log.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(before)


def show_data(data: SegmentationData, folder: Path) -> None:
    """Say what is trained on, how it was split, and where the run lies."""
    records = {stage: len(data.indices(stage)) for stage in ("train", "val", "test")}
    counts = "  ".join(f"{stage} {count}" for stage, count in records.items())
    log.info("data: %s (%s)", data.dataset_name, counts)
    strata = Counter(data.records[i].stratum for i in data.indices("all"))
    if set(strata) != {""}:
        named = ", ".join(f"{name or 'none'} {count}" for name, count in sorted(strata.items()))
        how = "balanced over" if data.split.stratify else "not balanced over"
        log.info("split: %s strata: %s", how, named)
    if data.problems:
        log.warning("%d records were left out (dataset.on_bad_record=skip):", len(data.problems))
        for problem in data.problems[:20]:
            log.warning("  %s: %s", problem.where, problem.what)
    log.info("split hash: %s  run folder: %s", data.split_digest(), folder)


def show_summary(summary: dict[str, Any], folder: Path) -> None:
    """The end of a training: best epoch, test scores, where all lies, and where to look on."""
    console = Console()
    shown = _relative(folder)
    table = Table(title="Trained", title_justify="left", show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    best = f"{summary['best_epoch']}" if summary["best_epoch"] is not None else "none"
    table.add_row("best epoch", f"{best}  ({summary['monitor']} {_number(summary['best_score'])})")
    if summary["test"]:
        overall = summary["test"]["all"]
        table.add_row(
            "test",
            f"dice {_number(overall['dice'])}   iou {_number(overall['iou'])}   accuracy "
            f"{_number(overall['accuracy'])} (all background: "
            f"{_number(overall['accuracy_all_background'])})",
        )
    else:
        table.add_row("test", "no record is in the test split")
    table.add_row("time", f"{summary['wall_seconds']:.0f} s, {summary['precision']}")
    table.add_row("folder", shown)
    table.add_row("curves", f"tensorboard --logdir {shown}")
    table.add_row("score again", f"python -m segkit.evaluate run={shown}")
    console.print(table)
    log.info("summary: %s", {k: summary[k] for k in ("best_epoch", "best_score", "test")})


def show_scores(scores: Mapping[str, Scores], folder: Path) -> None:
    """A table of the scores, one line a class."""
    names = ("dice", "dice_pooled", "iou", "precision", "recall", "specificity", "accuracy")
    table = Table(title=f"Scores of {_relative(folder)}", title_justify="left")
    for column in ("class", *names, "all background", "n", "n_empty"):
        table.add_column(column.replace("_", " "), justify="left" if column == "class" else "right")
    for name, one in scores.items():
        values = [_number(getattr(one, column)) for column in (*names, "accuracy_all_background")]
        table.add_row(name, *values, str(one.n), str(one.n_empty))
    Console().print(table)


def _relative(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _number(value: float | None) -> str:
    return "undefined" if value is None or value != value else f"{value:.4f}"  # noqa: PLR0124
