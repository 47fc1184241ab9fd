"""``report.html``: what a run folder holds, on one page that needs nothing else."""

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from segkit.core.contracts import SPLITS, UNLABELLED
from segkit.core.files import write_text
from segkit.core.numbers import is_finite, shown
from segkit.core.run_folder import RunFolder
from segkit.core.shell import command, relative
from segkit.core.sources import data_name
from segkit.data.split_file import split_hash
from segkit.drawing.curves import rate_in_words
from segkit.drawing.html import Picture, Slide, Slides, Table, render
from segkit.drawing.thumbnails import carried, series
from segkit.evaluation.report_scores import (
    PICTURE_BYTES,
    Drawn,
    headline,
    lowest,
    pictures,
    rows_of,
    scores,
)
from segkit.evaluation.report_settings import (
    command_of,
    config_text_of,
    configuration_of,
    environment_of,
)
from segkit.tasks.base import Task
from segkit.tasks.named import task_kind

log = logging.getLogger(__name__)

# Base64 writes four characters for three bytes: with the text, less than 5 MB.
_PICTURES = 3_300_000
_WARNINGS = 20
_CURVES = (
    "The dashed line is the best epoch. Training images may be augmented, validation images never "
    "are, so that val/loss may be the lower one."
)
_STRATA = 12


class Warned(NamedTuple):
    """The first warnings of a log, and how many there are."""

    lines: list[str]
    total: int


def report_or_warn(folder: RunFolder) -> None:
    """Write the report; whatever is wrong with it must not cost a finished training."""
    try:
        write_report(folder)
    except Exception:
        log.warning("report.html could not be written", exc_info=True)


def write_report(folder: RunFolder) -> Path:
    """Write ``report.html`` from the files of a run folder, as many as there are.

    Returns:
        Where it lies; below 5 MB, and nothing in it is fetched from elsewhere.

    Raises:
        SegkitError: the configuration is missing, or the folder cannot be written to.
    """
    config = folder.read_config()
    summary = folder.read_summary()
    task = task_kind(config)
    name, root, model = _names(config, summary)
    log_text = _read_log(folder.log)
    rows = rows_of(folder.metrics)
    drawn = pictures(folder, task.words)
    curves = _curves(folder, rows)
    ours = (*drawn.top, *drawn.examples, *drawn.plots, *curves)
    room = _PICTURES - sum(len(one.data) for one in ours)
    page = render(
        "evaluation/report.html",
        title=" · ".join(part for part in (name, model, _date(log_text)) if part),
        subtitle=f"A training with segkit{f' on {root}' if root else ''}, in {folder.path}",
        headline=headline(summary, task.words),
        top=drawn.top,
        undrawn=_undrawn(folder, task, drawn, summary),
        warnings=_warnings(log_text),
        curves=curves,
        panels=_panels(folder, summary, task, rows, room),
        scores=scores(folder, summary, task.words),
        examples=drawn.examples,
        lowest=lowest(folder, task),
        plots=drawn.plots,
        plots_title=task.words.plots_title,
        score=task.words.leading_name,
        split=_split(folder),
        scored_with=summary.get("split_hash"),
        configuration=configuration_of(config, summary),
        config_text=config_text_of(config),
        environment=environment_of(summary),
        command=command_of(config),
        command_was_kept=isinstance(config.get("overrides"), list),
        commit=str(summary.get("commit") or ""),
    )
    write_text(folder.report, page)
    return folder.report


def _undrawn(folder: RunFolder, task: type[Task], drawn: Drawn, summary: Mapping[str, Any]) -> str:
    """The command that draws what the report begins with, where it has not run."""
    missing = task.words.top and not drawn.top
    untested = summary and not summary.get("test")  # there is nothing in the test split
    split = ("split=val",) if untested else ()
    return command("evaluate", f"run={relative(folder.path)}", *split) if missing else ""


def _names(config: Mapping[str, Any], summary: Mapping[str, Any]) -> tuple[str, str, str]:
    """Of the data, where they lie, and of the model; a run that was cut off has no summary."""
    choices, saved = config.get("choices") or {}, config.get("dataset")
    data = dict(saved) if isinstance(saved, Mapping) else {}
    data |= summary.get("data") or {}
    known = data.get("name") or data.get("root")
    name = data_name(data) if known else choices.get("dataset") or "data set not named"
    return str(name), str(data.get("root") or ""), str(choices.get("model") or "")


def _date(log_text: str) -> str:
    """Of the log's first line."""
    found = re.match(r"\d{4}-\d\d-\d\d", log_text[:10])
    return found[0] if found else ""


def _read_log(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _warnings(log_text: str) -> Warned:
    lines = [x for x in log_text.splitlines() if re.search(r" (WARNING|ERROR) ", x[:60])]
    return Warned([line[:500] for line in lines[:_WARNINGS]], len(lines))


def _curves(folder: RunFolder, rows: Sequence[Mapping[str, str]]) -> list[Picture]:
    """One, where it was drawn."""
    found = carried(folder.curves, PICTURE_BYTES)
    if found is None:
        return []
    rates = [{"lr": float(row["lr"])} for row in rows if is_finite(row.get("lr"))]
    rate = rate_in_words(rates)
    words = (
        "Loss, score and learning rate."
        if rate is None
        else f"Loss and score; learning rate {rate}."
    )
    return [Picture(found[0], f"{words} {_CURVES}", found[1], chart=True)]


def _panels(
    folder: RunFolder,
    summary: Mapping[str, Any],
    task: type[Task],
    rows: Sequence[Mapping[str, str]],
    most: int,
) -> Slides | str:
    """The epochs that fit, or why there is none."""
    names = ((re.fullmatch(r"epoch_(\d+)\.png", p.name), p) for p in folder.panels.glob("*.png"))
    paths = {int(match[1]): path for match, path in names if match}
    best = summary.get("best_epoch")
    kept = series(paths, best, most)
    if not kept:
        return "No panel fits." if paths else "No panels were drawn."
    monitor = str(summary.get("monitor") or f"val/{task.headline[0]}")
    values = {row.get("epoch"): row.get(monitor) for row in rows}
    frames = []
    for epoch, data in kept.items():
        value = values.get(str(epoch))
        score = f", {monitor} {shown(value)}" if value else ""
        frames.append(
            Slide(epoch, f"epoch {epoch}{score}{' (best)' if epoch == best else ''}", data)
        )
    score = f"{task.words.leading_name} at the size of training"
    caption = f"The same validation images in each epoch; {score}."
    if len(kept) < len(paths):
        caption += (
            f" {len(kept)} of {len(paths)} epochs, evenly chosen to keep this page small;"
            " panels/ holds all of them."
        )
    jumps = {f"best epoch ({best})": best} if best in kept else {}
    if best is not None and not jumps:
        caption += f" There is no panel of the best epoch, {best}."
    return Slides(frames, caption, best if best in kept else max(kept), jumps)


@dataclass(frozen=True, slots=True)
class Split:
    """What the report says of ``split.csv``.

    Attributes:
        parts: records, groups and strata of each split.
        shared: groups that lie in more than one of the splits that must be apart.
        digest: its hash.
    """

    parts: Table
    shared: list[str]
    digest: str


def _split(folder: RunFolder) -> Split | None:
    rows = rows_of(folder.split)
    if not rows:
        return None
    found = {str(row.get("split", "")) for row in rows}
    order = [name for name in (*SPLITS, UNLABELLED) if name in found]
    order += sorted(found - set(order))
    strata = sorted({str(row.get("stratum", "")) for row in rows} - {""})
    strata = strata if len(strata) <= _STRATA else []
    lines, homes = [], Counter[str]()
    for split in order:
        of_split = [row for row in rows if row.get("split", "") == split]
        groups = {str(row.get("group", "")) for row in of_split}
        homes.update(groups if split in SPLITS else ())
        counts = Counter(row.get("stratum", "") for row in of_split)
        lines.append((split, len(of_split), len(groups), *(counts[name] for name in strata)))
    return Split(
        parts=Table(("split", "records", "groups", *strata), lines),
        shared=[group for group, homes_of in homes.items() if homes_of > 1],
        digest=split_hash(folder.split.read_bytes().decode("utf-8", errors="replace")),
    )
