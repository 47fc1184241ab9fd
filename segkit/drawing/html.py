"""Self-contained pages: no script, style, font or picture from anywhere else.

A page is a template beside the module that fills it. It extends ``drawing/templates/page.html``,
takes tables and pictures from ``parts.html`` beside that, and escapes whatever it is given.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined


class Table(NamedTuple):
    """Arguments of ``parts.table``: numbers stand right."""

    header: Sequence[object]
    rows: Iterable[Sequence[object]]


class Picture(NamedTuple):
    """Arguments of ``parts.picture``; ``kind`` is ``png``, ``jpeg`` or ``webp``."""

    data: bytes
    caption: str
    kind: str = "png"


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


_TEMPLATES = Environment(
    loader=PackageLoader("segkit", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["data_url"] = data_url
