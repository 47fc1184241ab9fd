"""Self-contained pages: no script, style, font or picture from anywhere else.

A page is a template beside the module that fills it. It extends ``drawing/templates/page.html``,
takes tables and pictures from ``parts.html`` beside that, and escapes whatever it is given.
"""

import base64
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined


class Table(NamedTuple):
    """Arguments of ``parts.table``.

    Attributes:
        header: names of the columns.
        rows: their cells; columns of numbers stand right.
        sortable: whether a reader may order them by any column.
    """

    header: Sequence[object]
    rows: Iterable[Sequence[object]]
    sortable: bool = False


class Picture(NamedTuple):
    """Arguments of ``parts.picture``.

    Attributes:
        data: of the file.
        caption: beneath it, and for those who cannot see it.
        kind: ``png``, ``jpeg`` or ``webp``.
        chart: whether it is drawn on white, and may take on the colours of a dark page.
    """

    data: bytes
    caption: str
    kind: str = "png"
    chart: bool = False


class Slide(NamedTuple):
    """One WebP picture of ``parts.slides``.

    Attributes:
        number: of the epoch.
        label: what is said beside the slider, and to those who cannot see the picture.
        data: of the file.
    """

    number: int
    label: str
    data: bytes


class Slides(NamedTuple):
    """Argument of ``parts.slides``.

    Attributes:
        pictures: at least one, in order.
        caption: beneath them.
        start: number of the one that is shown first; the first where there is no such number.
        jumps: names of buttons, and the numbers that they lead to.
    """

    pictures: Sequence[Slide]
    caption: str
    start: int
    jumps: Mapping[str, int]

    @property
    def first(self) -> int:
        """Place of the one that is shown first."""
        numbers = [one.number for one in self.pictures]
        return numbers.index(self.start) if self.start in numbers else 0


def render(template: str, **values: Any) -> str:
    """Fill a template.

    Args:
        template: its path below the package.
        values: what it names, ``title`` and ``subtitle`` among them.

    Returns:
        A whole document.
    """
    return _TEMPLATES.get_template(template).render(values)


def data_url(data: bytes, kind: str = "png") -> str:
    """A picture as the address of itself."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def number_in(cell: object) -> float | None:
    """The number that a cell is sorted by: its own, or the one that it begins with.

    So are ``0.895 [0.869, 0.917]``, ``12 %`` and ``6.6 M``; an id such as ``03b9`` has none.
    """
    if isinstance(cell, str):
        found = _NUMBER.match(cell)
        return float(found[0]) if found else None
    if isinstance(cell, bool) or not isinstance(cell, Real) or not math.isfinite(cell):
        return None
    return float(cell)


def column_kinds(header: Sequence[object], rows: Sequence[Sequence[object]]) -> list[str]:
    """What is in each column: ``number`` stands right, ``words`` at either end may be broken."""
    wide = max([len(header), *map(len, rows)])
    columns = [[row[place] for row in rows if place < len(row)] for place in range(wide)]
    return [
        "number" if _are_numbers(cells) else "words" if place in (0, wide - 1) else ""
        for place, cells in enumerate(columns)
    ]


def _are_numbers(cells: Sequence[object]) -> bool:
    """Whether half of them are, of those that say anything: one may be called "baseline"."""
    known = [number_in(cell) is not None for cell in cells if cell not in (None, "", "undefined")]
    return bool(known) and 2 * sum(known) >= len(known)


# An interval, a count in brackets or a unit may follow, but no sentence.
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?(?=$|%|\s(?:[\[(×%]|M$|to\s\d))")
_TEMPLATES = Environment(
    loader=PackageLoader("segkit", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "data_url": data_url,
    "number_in": number_in,
    "column_kinds": column_kinds,
}
