"""Self-contained pages: no script, style, font or picture from anywhere else."""

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_STYLE = """
:root { color-scheme: light; --ink: #202020; --faint: #666; --line: #e0e0e0; --bad: #b3261e;
  --good: #1b6e3c; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 72rem;
  margin: 2rem auto; padding: 0 1.25rem; background: #fff; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
.faint { color: var(--faint); } .bad { color: var(--bad); } .good { color: var(--good); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { font-weight: 600; white-space: nowrap; }
td.number { text-align: right; } h1, p { overflow-wrap: anywhere; }
.wide { overflow-x: auto; } figure { margin: .75rem 0; }
figcaption { color: var(--faint); font-size: .9rem; }
img { max-width: 100%; height: auto; border: 1px solid var(--line); }
pre { background: #f6f6f6; padding: .75rem 1rem; overflow-x: auto; font-size: .85rem; }
details { margin: .5rem 0; } summary { cursor: pointer; }
input[type=range] { flex: 1; min-width: 10rem; max-width: 40rem; }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1.5rem 0; }
.facts dt { color: var(--faint); font-size: .85rem; } .facts dd { margin: 0; }
.facts b { font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts small { display: block; color: var(--faint); }
.slider { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; margin: 0;
  padding: .5rem 0; position: sticky; top: 0; background: #fff; }
.slider output { min-width: 16rem; }
"""

# The pictures lie in the page; the one in sight is the one that is not hidden.
_SLIDES = """
const box = document.querySelector(".slides");
if (box) {
  const all = [...box.querySelectorAll("img")], input = box.querySelector("input");
  const show = i => {
    all.forEach((one, k) => { one.hidden = k !== i; });
    input.value = i;
    input.setAttribute("aria-valuetext", all[i].alt);
    box.querySelector("output").textContent = all[i].alt;
  };
  const far = (k, n) => Math.abs(all[k].dataset.number - n);
  const near = n => all.reduce((best, _, k) => far(k, n) < far(best, n) ? k : best, 0);
  const go = () => {
    const asked = location.hash.match(/^#epoch=(\\d+)$/);
    if (asked) show(near(+asked[1]));
  };
  input.addEventListener("input", () => show(+input.value));
  box.querySelectorAll("button").forEach(one =>
    one.addEventListener("click", () => show(near(+one.dataset.number))));
  addEventListener("hashchange", go);
  go();
}
"""


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of a page, escaped where it must be; what is plain ``str`` is not yet."""

    text: str


def text(value: object) -> str:
    """Escape anything but :class:`Html`."""
    return value.text if isinstance(value, Html) else html.escape(str(value))


def page(title: str, subtitle: str, sections: Iterable[Html]) -> str:
    """A whole document.

    Args:
        title: the heading.
        subtitle: a line beneath it.
        sections: of :func:`section`.
    """
    body = "\n".join(part.text for part in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # A browser asks for a site's icon unless the page has one.
        '<link rel="icon" href="data:,">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{text(title)}</h1><p class="faint">{text(subtitle)}</p>\n'
        f"{body}\n</body></html>\n"
    )


def section(title: str, *parts: Html) -> Html:
    """A heading and what belongs to it."""
    return Html(f"<section><h2>{text(title)}</h2>{''.join(p.text for p in parts)}</section>")


def paragraph(words: object, *, kind: str = "") -> Html:
    """A paragraph; ``kind`` is ``faint``, ``bad`` or ``good``."""
    return Html(f'<p class="{text(kind)}">{text(words)}</p>' if kind else f"<p>{text(words)}</p>")


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Html:
    """A table that scrolls by itself where it is too wide; numbers stand right."""
    head = "".join(f"<th>{text(cell)}</th>" for cell in header)
    lines = ("".join(_cell(cell) for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return Html(f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>')


def _cell(value: object) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"<td{' class=number' if number else ''}>{text(value)}</td>"


def picture(data: bytes, caption: str = "", *, kind: str = "png", identity: str = "") -> Html:
    """A picture within the page; ``kind`` is ``png``, ``jpeg`` or ``webp``."""
    mark = f' id="{text(identity)}"' if identity else ""
    below = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    alt = text(caption or identity or "picture")
    return Html(f'<figure><img{mark} alt="{alt}" src="{data_url(data, kind)}">{below}</figure>')


@dataclass(frozen=True, slots=True)
class Slide:
    """One picture of :func:`slides`.

    Attributes:
        number: of the epoch.
        label: what is said beside the slider, and to those who cannot see the picture.
        data: of a PNG, JPEG or WebP file, as ``kind`` says.
        kind: ``png``, ``jpeg`` or ``webp``.
    """

    number: int
    label: str
    data: bytes
    kind: str = "webp"


def slides(
    pictures: Sequence[Slide], caption: str, *, start: int, jumps: Mapping[str, int]
) -> Html:
    """Pictures behind a slider, which arrow keys move; ``#epoch=N`` in the address opens one.

    One of them fits on a page. Without JavaScript the page shows the one it starts with.

    Args:
        pictures: at least one, in order.
        caption: beneath them.
        start: number of the one that is shown first; the first where there is no such number.
        jumps: names of buttons, and the numbers that they lead to.
    """
    numbers = [one.number for one in pictures]
    first = numbers.index(start) if start in numbers else 0
    images = "".join(
        f'<img{" hidden" if place != first else ""} data-number="{one.number}" '
        f'alt="{text(one.label)}" src="{data_url(one.data, one.kind)}">'
        for place, one in enumerate(pictures)
    )
    buttons = "".join(
        f'<button type="button" data-number="{number}">{text(name)}</button>'
        for name, number in jumps.items()
    )
    return Html(
        '<figure class="slides"><p class="slider">'
        f'<input type="range" aria-label="epoch" min="0" max="{len(pictures) - 1}" value="{first}">'
        f"<output>{text(pictures[first].label)}</output>{buttons}</p>{images}"
        f"<figcaption>{text(caption)}</figcaption></figure><script>{_SLIDES}</script>"
    )


def facts(shown: Iterable[tuple[str, object, str]]) -> Html:
    """A line of large figures: what each is, its value, and what to hold it against."""
    items = "".join(
        f"<div><dt>{text(name)}</dt><dd><b>{text(value)}</b><small>{text(note)}</small></dd></div>"
        for name, value, note in shown
    )
    return Html(f'<dl class="facts">{items}</dl>')


def data_url(data: bytes, kind: str = "png") -> str:
    """A picture as the address of itself."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def preformatted(words: str, *, summary: str = "") -> Html:
    """Text as it is, behind a line that opens it where ``summary`` is given."""
    block = f"<pre>{text(words)}</pre>"
    return Html(
        f"<details><summary>{text(summary)}</summary>{block}</details>" if summary else block
    )
