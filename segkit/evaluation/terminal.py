"""What a person reads of an evaluation at the terminal."""

import math
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from segkit.core.shell import relative
from segkit.core.terminal import console, show_line, show_table
from segkit.evaluation.panels import NAMES
from segkit.evaluation.scoring import Evaluation

# Below it the bootstrap's intervals cover the mean clearly less often than they claim.
_FEW = 10
_LEFT_OUT = ("class", "data", "root", "split", "split_hash")


def show_evaluation(
    evaluation: Evaluation, run: Path, folder: Path, pictures: Path, next_step: str = ""
) -> None:
    """Print the table of scores, one column a class, where all lies, and what comes next.

    Args:
        evaluation: to be shown.
        run: folder of the run.
        folder: where its tables lie.
        pictures: where its pictures lie.
        next_step: a command.
    """
    out = console()
    _show_table(out, evaluation, relative(run))
    if not evaluation.examined.certain:
        show_line(out, "no intervals: they need a score of two groups or more")
    elif evaluation.groups < _FEW:
        show_line(out, f"intervals from {evaluation.groups} groups only: they are too narrow")
    tables = ", ".join(("evaluation.csv", "evaluation_per_image.csv", *evaluation.examined.tables))
    show_line(out, f"tables: {relative(folder)}/{tables}")
    drawn = ", ".join(dict.fromkeys((*NAMES, *evaluation.task.words.pictures)))
    show_line(out, f"pictures: {relative(pictures)}/ ({drawn})")
    if next_step:
        show_line(out, f"predict with it: {next_step}")


def _show_table(out: Console, evaluation: Evaluation, folder: str) -> None:
    rows, optional = evaluation.examined.rows, evaluation.task.words.optional
    # Of one class the row of all is the same, and has the figures of the whole split too.
    shown = rows if len(rows) > 2 else [{**rows[1], "class": rows[0]["class"]}]
    of = f" of {relative(evaluation.root)}" if evaluation.root else ""
    count = len(evaluation.counted.indices)
    title = f"{count} images ({evaluation.split}){of} scored with {folder}"
    headings = ["score", *(str(row["class"]) for row in shown)]
    lines: list[list[str]] = []
    for group in evaluation.task.words.shortlist or (_scores(rows[-1]),):
        if lines:
            lines.append([""] * len(headings))
        for name in group:
            unmeasured = name in optional and all(_undefined(row.get(name)) for row in shown)
            if not unmeasured:
                lines.append([name, *(_shown(row, name) for row in shown)])
    show_table(out, headings, lines, words=("score",), title=title)


def _scores(row: Mapping[str, object]) -> list[str]:
    bounds = ("_low", "_high")
    return [name for name in row if name not in _LEFT_OUT and not name.endswith(bounds)]


def _shown(row: dict[str, object], name: str) -> str:
    value = row.get(name)
    if name not in row:
        return ""
    if _undefined(value):
        return "undefined"
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if low is None or _undefined(low):
        return f"{value:.4f}" if isinstance(value, float) else str(value)
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _undefined(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
