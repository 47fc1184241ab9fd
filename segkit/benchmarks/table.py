"""What the benchmark found: a table for the eye, JSON for the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from segkit.benchmarks.timing import Figure
from segkit.core.terminal import console, show_table


def as_json(figures: Sequence[Figure], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of ``benchmark.json``: machine, versions and settings, then the figures."""
    return {**facts, "figures": [{**asdict(f), "reached": f.reached} for f in figures]}


def show(figures: Sequence[Figure], title: str) -> None:
    """Print the table."""
    rows, before = [], ""
    for one in figures:
        cells = (one.what, f"{_short(one.value)} {one.unit}".strip(), one.against)
        rows.append(("" if one.part == before else one.part, *cells, _ratio(one), _goal(one)))
        before = one.part
    headings = ("", "measured", "figure", "beside", "ratio (range)", "goal")
    show_table(console(), headings, rows, words=("", "measured", "beside"), title=title)


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
