"""The scores of a run as tables and pictures of its report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segkit.core.numbers import is_finite, shown
from segkit.core.run_folder import RunFolder
from segkit.core.tables import read_table
from segkit.drawing import html
from segkit.drawing.html import Html
from segkit.drawing.thumbnails import carried
from segkit.tasks.base import Task, Words

Row = Mapping[str, Any]

# Of one picture, before it is written as text.
PICTURE_BYTES = 250_000
_NOT_SCORES = ("class", "data", "split", "split_hash")
_EXAMPLES = ("best", "median", "worst")
_LOWEST = 10


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows; none where there is no file."""
    try:
        return read_table(path, errors="replace")
    except OSError:
        return []


def headline(summary: Row, words: Words) -> Html:
    """The figures that a run is known by."""
    test = (summary.get("test") or {}).get("all") or {}
    best, seconds = summary.get("best_epoch"), summary.get("wall_seconds")
    monitored = f"{summary.get('monitor', 'score')} {shown(summary.get('best_score'))}"
    facts = [
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
    return html.facts(facts)


def scores(folder: RunFolder, summary: Row, known: Words) -> list[Html]:
    """Sections on the scores: of ``evaluation.csv``, or else of the test that ended training."""
    rows: list[Row] = list(rows_of(folder.evaluation))
    evaluated = bool(rows)
    if not rows:
        tested = (summary.get("test") or {}).items()
        rows = [{"class": k, "split": "test", **row} for k, row in tested if isinstance(row, dict)]
    if not rows:
        words = "No test: no record is in the test split. Scores of validation are above."
        return [html.section("Scores", html.paragraph(words))]
    unit = str((summary.get("data") or {}).get("score_by") or "image")
    source = "From the test that ended training."
    if evaluated:
        source = "From evaluation.csv; the figures at the top are of the test that ended training."
    parts = [html.paragraph(source, kind="faint")]
    foreign = {str(row.get("split_hash") or "") for row in rows} - {"", summary.get("split_hash")}
    if evaluated and foreign and summary.get("split_hash"):
        words = "These scores are of other data, or of another split, than the run's own."
        parts.append(html.paragraph(words, kind="bad"))
    splits = list(dict.fromkeys(str(row.get("split", "")) for row in rows))
    for split in splits:
        of_split = [row for row in rows if str(row.get("split", "")) == split]
        overall = next((row for row in of_split if row.get("class") == "all"), of_split[0])
        parts.append(_overall(overall, split or "score", unit, known))
    classes = [row for row in rows if row.get("class") != "all"]
    if len(classes) > len(splits):
        parts += [html.paragraph("By class:"), _by_class(classes, known, several=len(splits) > 1)]
    return [html.section("Scores", *parts)]


def _metrics(rows: Sequence[Row], optional: Sequence[str]) -> list[str]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    ends = [f"{name}_{end}" for name in columns for end in ("low", "high")]
    known = {n for n in columns if any(row.get(n) not in (None, "") for row in rows)}
    out = {*_NOT_SCORES, *ends, *(name for name in optional if name not in known)}
    return [name for name in columns if name not in out]


def _interval(row: Row, name: str) -> str:
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    known = [shown(value) for value in (low, high) if value not in (None, "")]
    return "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}".join(known) if len(known) == 2 else ""


def _overall(row: Row, split: str, unit: str, words: Words) -> Html:
    names = _metrics([row], words.optional)
    with_intervals = any(_interval(row, name) for name in names)
    header = ("", split, *(("95 % interval",) if with_intervals else ()), "means")
    lines = []
    for name in names:
        between = (_interval(row, name),) if with_intervals else ()
        meaning = words.meaning.get(name, "").format(unit=unit)
        lines.append((name, shown(row[name]), *between, meaning))
    return html.table(header, lines)


def _by_class(rows: Sequence[Row], words: Words, *, several: bool) -> Html:
    names, leading = _metrics(rows, words.optional), words.leading
    names = [n for n in leading if n in names] + [n for n in names if n not in leading]
    lines = []
    for row in rows:
        cells = [shown(row.get(name)) for name in names]
        between = [_interval(row, name) for name in names]
        joined = [f"{a} ({b})" if b else a for a, b in zip(cells, between, strict=True)]
        split = (row.get("split", ""),) if several else ()
        lines.append((row.get("class", ""), *split, *joined))
    return html.table(("class", *(("split",) if several else ()), *names), lines)


def pictures(folder: RunFolder, task: type[Task]) -> tuple[list[Html], int]:
    """Sections of what ``evaluate`` drew and listed, and the bytes that the pictures take."""
    captions = task.words.pictures
    found = {name: carried(folder.pictures / f"{name}.png", PICTURE_BYTES) for name in captions}
    taken = {name: one for name, one in found.items() if one is not None}
    figures = {
        name: html.picture(data, captions[name], kind=kind) for name, (data, kind) in taken.items()
    }
    examples = [figures[name] for name in figures if name in _EXAMPLES]
    plots = [figures[name] for name in figures if name not in _EXAMPLES]
    lowest = _lowest(rows_of(folder.images), task)
    examples += [lowest] if lowest else []
    # The test that ends training draws none; evaluate does.
    best = "Best, middle and worst" if figures.keys() & {*_EXAMPLES} else "Lowest scores"
    titled = ((best, examples), ("Distribution and calibration", plots))
    sections = [html.section(title, *parts) for title, parts in titled if parts]
    return sections, sum(len(data) for data, _ in taken.values())


def _lowest(rows: Sequence[Row], task: type[Task]) -> Html | None:
    """The images to look at first."""
    leading = task.headline[0]
    known = [row for row in rows if is_finite(row.get(leading))]
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
    title = html.paragraph(f"Lowest {task.words.by} of {len(ordered)} (evaluation_per_image.csv):")
    return Html(title.text + html.table(columns, lines).text)
