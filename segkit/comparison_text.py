"""A comparison at the terminal."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segkit.comparison import Comparison
from segkit.comparison_shown import HEADINGS, sentences, shown_rows


def show_comparison(comparison: Comparison, output: Path) -> None:
    """The table, the conclusions, and where the page lies."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    table = Table(box=None)
    for place, name in enumerate(HEADINGS):
        table.add_column(name, justify="right" if place else "left")
    for row in shown_rows(comparison):
        table.add_row(*map(escape, row))
    console.print(table)
    for words in sentences(comparison):
        told = f"{words[0].upper()}{words[1:]}."
        console.print(told, soft_wrap=True, highlight=False, markup=False)
    page = f"page: {output / 'comparison.html'}"
    console.print(page, soft_wrap=True, highlight=False, markup=False)
