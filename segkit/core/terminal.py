"""What is printed, fitted to where it goes: no figure, path or command is ever broken in two."""

import textwrap
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.table import Table
from rich.text import Text

_GAP = 2  # columns between two of a table
_PIPE = 200  # columns; rich takes a pipe to have eighty


def console(*, stderr: bool = False) -> Console:
    """Of the terminal, as wide as it is; of a pipe or a file, as wide as a line may need."""
    made = Console(stderr=stderr)
    return made if made.is_terminal else Console(stderr=stderr, width=_PIPE)


def progress(what: str, *columns: ProgressColumn) -> Progress:
    """A bar on stderr; without a terminal one line that says what is being done."""
    out = console(stderr=True)
    if not out.is_terminal:
        show_line(out, f"{what} …")
    return Progress(*columns, console=out, disable=not out.is_terminal)


def show_line(out: Console, words: str, style: str = "") -> None:
    """Print a line as it is: a terminal wraps it, and gives it back whole to who copies it."""
    out.print(Text(words, style=style), soft_wrap=True)


def show_facts(out: Console, facts: Iterable[tuple[str, str]]) -> None:
    """Print names, each with its text; long lines are wrapped below their start."""
    pairs = list(facts)
    indent = max((cell_len(name) for name, _ in pairs), default=0) + _GAP
    for name, words in pairs:
        room = max(out.width - indent, 20)
        lines = textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False)
        body = f"\n{'':{indent}}".join(lines)
        out.print(Text.assemble((f"{name:{indent}}", "dim"), body), soft_wrap=True)


def show_table(
    out: Console,
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    words: Sequence[str],
    title: str = "",
    styles: Sequence[str] = (),
) -> None:
    """Print a table. Columns that do not fit beside each other follow below, the first again.

    Args:
        out: where to.
        headings: of the columns.
        rows: a cell a column.
        words: headings of the columns that hold words: these stand to the left and may be folded.
        title: above it.
        styles: of each row.
    """
    if title:
        show_line(out, title, "bold")
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
    first = min(widths[0], out.width // 2)
    widths = [first, *(min(w, out.width - first - _GAP) for w in widths[1:])]
    for part in _parts(widths, out.width):
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
        for i in part:
            left = headings[i] in words
            justify, overflow = ("left", "fold") if left else ("right", "crop")
            table.add_column(
                Text(headings[i]),
                justify=justify,  # type: ignore[arg-type]
                overflow=overflow,  # type: ignore[arg-type]
                no_wrap=not left,
                min_width=widths[i],
                max_width=widths[i],
            )
        for number, row in enumerate(cells):
            style = styles[number] if styles else ""
            table.add_row(*(Text(row[i]) for i in part), style=style)
        out.print(table)


def _parts(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns that fit beside each other, the first one in each part."""
    parts = [[0]]
    for i in range(1, len(widths)):
        taken = sum(widths[j] + _GAP for j in parts[-1])
        if taken + widths[i] > room and len(parts[-1]) > 1:
            parts.append([0])
        parts[-1].append(i)
    return parts
