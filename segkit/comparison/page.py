"""``comparison.html``: the tables, the conclusions and the pictures on one page."""

from collections.abc import Mapping
from typing import Any

from segkit.comparison.comparison import Comparison
from segkit.comparison.plots import curves_plot, differences_plot, scores_plot
from segkit.comparison.shown import headings, number, sentences, shown_classes, shown_rows
from segkit.comparison.tables import run_rows
from segkit.drawing.html import Table, render
from segkit.drawing.overlay import Picture, encode_png

# Headings of the table of runs, the column of comparison_runs.csv that each shows, and how; between
# the two stand the scores.
_BEFORE = (
    ("configuration", "configuration", ""),
    ("seed", "seed", ""),
    ("fold", "fold", ""),
    ("best epoch", "best_epoch", ""),
)
_AFTER = (
    ("images/s", "images_per_second", ".1f"),
    ("minutes", "minutes", ".1f"),
    ("split", "split_hash", ""),
    ("folder", "folder", ""),
)


def comparison_page(comparison: Comparison, sheets: Mapping[str, Picture], title: str) -> str:
    """The page; nothing in it is fetched from elsewhere.

    Args:
        comparison: to show.
        sheets: of :func:`segkit.comparison.pictures.disagreements`.
        title: the heading.
    """
    images = f"{comparison.records} test images"
    few = len(comparison.groups) < comparison.records
    return render(
        "comparison/page.html",
        title=title,
        subtitle=f"{len(comparison.configurations)} configurations, {images}",
        conclusions=sentences(comparison),
        configurations=_configurations(comparison),
        classes=_classes(comparison),
        records=f"the {len(comparison.groups)} groups of {images}" if few else images,
        unit=comparison.unit,
        scores=scores_plot(comparison),
        differences=differences_plot(comparison) if comparison.pairs else b"",
        curves=curves_plot(comparison),
        disagreements={name: encode_png(sheet) for name, sheet in sheets.items()},
        runs=_runs(comparison),
    )


def _configurations(comparison: Comparison) -> Table:
    """Without columns of which nothing is known, such as the spread of a single seed."""
    rows = shown_rows(comparison)
    names = ("configuration", *headings(comparison)[1:])
    told = [place for place in range(len(names)) if any(row[place] for row in rows)]
    cells = [[row[place] for place in told] for row in rows]
    return Table([names[place] for place in told], cells, sortable=True)


def _classes(comparison: Comparison) -> Table | None:
    names, rows = shown_classes(comparison)
    return Table(names, rows, sortable=True) if rows else None


def _runs(comparison: Comparison) -> Table:
    titles = comparison.configurations[0].runs[0][0].task.words.title
    names = comparison.configurations[0].scores
    scores = [(titles.get(name, name), name, ".4f") for name in names]
    columns = (*_BEFORE, *scores, *_AFTER)
    rows = [[_cell(row[key], form) for _, key, form in columns] for row in run_rows(comparison)]
    return Table([heading for heading, _, _ in columns], rows, sortable=True)


def _cell(value: Any, form: str) -> object:
    return number(value, form) if form else "" if value is None else value
