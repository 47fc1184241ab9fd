"""What the benchmark found: a table for the eye, JSON for the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from segkit.benchmarks.timing import Figure


def as_json(figures: Sequence[Figure], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of ``benchmark.json``: machine, versions and settings, then the figures."""
    return {**facts, "figures": [{**asdict(f), "reached": f.reached} for f in figures]}


def show(figures: Sequence[Figure], title: str) -> None:
    """Print the table."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("", "measured", "figure", "beside", "ratio (range)", "goal"):
        right = name in ("figure", "ratio (range)", "goal")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    before = ""
    for one in figures:
        if before and one.part != before:
            table.add_row()
        cells = (one.what, f"{_short(one.value)} {one.unit}".strip(), one.against)
        table.add_row("" if one.part == before else one.part, *cells, _ratio(one), _goal(one))
        before = one.part
    console = Console()
    (console if console.is_terminal else Console(width=170)).print(table)


def _ratio(one: Figure) -> str:
    if one.ratio is None:
        return ""
    ratio = one.ratio
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _goal(one: Figure) -> str:
    if one.goal is None:
        return ""
    sign = "≤" if one.at_most else "≥"
    return f"{sign} {one.goal:g} {'reached' if one.reached else 'missed'}"


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
