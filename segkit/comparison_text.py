"""A comparison at the terminal."""

import math
from pathlib import Path

from segkit.comparison import Comparison
from segkit.comparison_shown import HEADINGS, sentences, shown_rows
from segkit.comparison_tables import configuration_rows
from segkit.shell import command, relative
from segkit.terminal import console, show_line, show_table


def show_comparison(comparison: Comparison, output: Path) -> None:
    """The table, the conclusions, where the page lies, and how to go on."""
    out = console()
    show_table(out, HEADINGS, shown_rows(comparison), words=("",))
    for words in sentences(comparison):
        show_line(out, f"{words[0].upper()}{words[1:]}.")
    show_line(out, f"page: {output / 'comparison.html'}")
    surface = command("evaluate", f"run={relative(_best(comparison))}", "surface=true")
    show_line(out, f"surface distances of the best: {surface}")


def _best(comparison: Comparison) -> Path:
    """The first run of the configuration with the best score."""
    scores = [float(row[comparison.score]) for row in configuration_rows(comparison)]
    ranked = [-1.0 if math.isnan(score) else score for score in scores]
    return comparison.configurations[ranked.index(max(ranked))].runs[0][0].folder
