"""The scores of a run as tables and pictures of its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segkit.core.numbers import is_finite, shown
from segkit.core.run_folder import RunFolder
from segkit.core.tables import read_table
from segkit.drawing.html import Picture, Table
from segkit.drawing.thumbnails import carried
from segkit.tasks.base import Task
from segkit.tasks.words import Words

Row = Mapping[str, Any]

# Of one picture, before it is written as text.
PICTURE_BYTES = 250_000
_NOT_SCORES = ("class", "data", "root", "split", "split_hash")
_EXAMPLES = ("worst", "median", "best")  # as they are shown
_LOWEST = 10


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows; none where there is no file."""
    try:
        return read_table(path, errors="replace")
    except OSError:
        return []


def headline(summary: Row, words: Words) -> list[tuple[str, object, str]]:
    """The figures that a run is known by: what each is, its value, what to hold it against."""
    test = (summary.get("test") or {}).get("all") or {}
    best, seconds = summary.get("best_epoch"), summary.get("wall_seconds")
    monitored = f"{summary.get('monitor', 'score')} {shown(summary.get('best_score'))}"
    facts: list[tuple[str, object, str]] = [
        ("best epoch", "none" if best is None else best, monitored),
        ("epochs", summary.get("epochs", "unknown"), "counted from 0"),
    ]
    if isinstance(seconds, int | float):
        long = seconds >= 60
        value = f"{seconds / 60:.1f} min" if long else f"{seconds:.0f} s"
        facts.append(("time", value, str(summary.get("precision", ""))))
    if test:
        unit = (summary.get("data") or {}).get("score_by", "image")
        facts[:0] = words.facts(test, unit)
    else:
        facts.insert(0, ("test", "none", "no record in the test split"))
    return facts


@dataclass(frozen=True, slots=True)
class Scores:
    """What the report says of scores.

    Attributes:
        evaluated: whether they are of ``evaluation.csv``, not of the test that ended training.
        foreign: whether they are of other data, or of another split, than the run's own.
        splits: a table of each split.
        by_class: where there are several classes.
    """

    evaluated: bool
    foreign: bool
    splits: list[Table]
    by_class: Table | None


def scores(folder: RunFolder, summary: Row, words: Words) -> Scores | None:
    """Those of ``evaluation.csv``, or else of the test that ended training, if there was one."""
    rows: list[Row] = list(rows_of(folder.evaluation))
    evaluated = bool(rows)
    if not rows:
        tested = (summary.get("test") or {}).items()
        known = [(name, row) for name, row in tested if isinstance(row, dict)]
        rows = [{"class": name, "split": "test", **row} for name, row in known]
    if not rows:
        return None
    unit = str((summary.get("data") or {}).get("score_by") or "image")
    own = summary.get("split_hash")
    foreign = {str(row.get("split_hash") or "") for row in rows} - {"", own}
    tables = []
    splits = list(dict.fromkeys(str(row.get("split", "")) for row in rows))
    for split in splits:
        of_split = [row for row in rows if str(row.get("split", "")) == split]
        overall = next((row for row in of_split if row.get("class") == "all"), of_split[0])
        tables.append(_overall(overall, split or "score", unit, words))
    classes = [row for row in rows if row.get("class") != "all"]
    by_class = None
    if len(classes) > len(splits):
        by_class = _by_class(classes, words, several=len(splits) > 1)
    return Scores(evaluated, bool(evaluated and foreign and own), tables, by_class)


def _metrics(rows: Sequence[Row], words: Words) -> list[str]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    ends = [f"{name}_{end}" for name in columns for end in ("low", "high")]
    known = {n for n in columns if any(row.get(n) not in (None, "") for row in rows)}
    out = {*_NOT_SCORES, *ends, *(name for name in words.optional if name not in known)}
    return [name for name in columns if name not in out]


def _interval(row: Row, name: str) -> str:
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    known = [shown(value) for value in (low, high) if value not in (None, "")]
    return "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}".join(known) if len(known) == 2 else ""


def _overall(row: Row, split: str, unit: str, words: Words) -> Table:
    first, known = [name for group in words.shortlist for name in group], _metrics([row], words)
    names = [n for n in first if n in known] + [n for n in known if n not in first]
    with_intervals = any(_interval(row, name) for name in names)
    header = ("", split, *(("95 % interval",) if with_intervals else ()), "means")
    lines = []
    for name in names:
        between = (_interval(row, name),) if with_intervals else ()
        meaning = words.meaning.get(name, "").format(unit=unit)
        lines.append((name, shown(row[name]), *between, meaning))
    return Table(header, lines)


def _by_class(rows: Sequence[Row], words: Words, *, several: bool) -> Table:
    names, leading = _metrics(rows, words), words.leading
    names = [n for n in leading if n in names] + [n for n in names if n not in leading]
    lines = []
    for row in rows:
        cells = [shown(row.get(name)) for name in names]
        between = [_interval(row, name) for name in names]
        joined = [f"{a} ({b})" if b else a for a, b in zip(cells, between, strict=True)]
        split = (row.get("split", ""),) if several else ()
        lines.append((row.get("class", ""), *split, *joined))
    return Table(("class", *(("split",) if several else ()), *names), lines, sortable=True)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What ``evaluate`` drew.

    Attributes:
        top: what the task takes for the most telling.
        examples: worst, middle and best images, but for those.
        plots: the rest.
    """

    top: list[Picture]
    examples: list[Picture]
    plots: list[Picture]


def pictures(folder: RunFolder, words: Words) -> Drawn:
    """Those that are there."""
    captions = words.pictures
    found = {name: carried(folder.pictures / f"{name}.png", PICTURE_BYTES) for name in captions}
    figures = {
        name: Picture(one[0], captions[name], one[1], chart=name not in _EXAMPLES)
        for name, one in found.items()
        if one is not None
    }
    top = [figures.pop(name) for name in words.top if name in figures]
    examples = [figures.pop(name) for name in _EXAMPLES if name in figures]
    return Drawn(top, examples, [*figures.values()])


def lowest(folder: RunFolder, task: type[Task]) -> tuple[int, Table] | None:
    """How many images have a score, and those to look at first."""
    leading = task.headline[0]
    known = [row for row in rows_of(folder.images) if is_finite(row.get(leading))]
    ordered = sorted(known, key=lambda row: float(row[leading]))
    if not ordered:
        return None
    columns = [n for n in ("id", "group", "split", "class", *task.headline) if n in ordered[0]]
    if all(row.get("id") == row.get("group") for row in ordered):
        columns = [name for name in columns if name != "group"]
    lines = [
        [shown(row[n]) if n in task.headline else row[n] for n in columns]
        for row in ordered[:_LOWEST]
    ]
    return len(ordered), Table(columns, lines, sortable=True)
