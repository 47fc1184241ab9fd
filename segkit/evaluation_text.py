"""What a person reads of an evaluation at the terminal."""

import math
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segkit.evaluation import Evaluation

# Shown where they were measured.
_OPTIONAL = ("hd95", "surface_dice", "surface_tolerance", "threshold")
# Below it the bootstrap's intervals cover the mean clearly less often than they claim.
_FEW = 10
_LEFT_OUT = ("class", "data", "split", "split_hash")


def show_evaluation(evaluation: Evaluation, run: Path, folder: Path, pictures: Path) -> None:
    """Print the table of scores, one column a class, and where all lies.

    Args:
        evaluation: to be shown.
        run: folder of the run.
        folder: where its tables lie.
        pictures: where its pictures lie.
    """
    console = Console()
    if not console.is_terminal:
        # Eighty columns, which a pipe is taken to have, would break a folder's name in two.
        console = Console(width=160)
    console.print(_table(evaluation, _relative(run)))
    if np.isnan(evaluation.intervals["dice"][-1, 0]):
        console.print("no intervals: they need a score of two groups or more")
    elif evaluation.groups < _FEW:
        console.print(f"intervals from {evaluation.groups} groups only: they are too narrow")
    tables = f"tables: {_relative(folder)}/evaluation.csv, evaluation_per_image.csv"
    drawn = f"pictures: {_relative(pictures)}/ (worst, median, best, scores, reliability)"
    for line in (tables, drawn):
        console.print(line, soft_wrap=True, markup=False)


def _relative(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _table(evaluation: Evaluation, folder: str) -> Table:
    rows = evaluation.rows()
    # Of one class the row of all is the same, and has the figures of the whole split too.
    shown = rows if len(rows) > 2 else [{**rows[1], "class": rows[0]["class"]}]
    title = f"{len(evaluation.counted.indices)} images ({evaluation.split}) scored with {folder}"
    table = Table(title=escape(title), title_justify="left")
    table.add_column("score")
    for row in shown:
        table.add_column(escape(str(row["class"])), justify="right")
    for name in rows[-1]:
        values = [row.get(name) for row in shown]
        bound = name.endswith(("_low", "_high"))
        unmeasured = name in _OPTIONAL and all(_undefined(value) for value in values)
        if name not in _LEFT_OUT and not bound and not unmeasured:
            table.add_row(name, *(_shown(row, name) for row in shown))
    return table


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
