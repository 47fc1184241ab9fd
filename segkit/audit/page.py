"""``report.html``: what a check found, as one page that needs nothing else."""

from collections.abc import Sequence

from segkit.audit.audit import Audit
from segkit.audit.charts import charts
from segkit.audit.findings import Finding
from segkit.audit.pictures import Shown, contact_sheet, pair_pictures, worst_pairs
from segkit.audit.tables import RECORD_COLUMNS, by_kind, ranges, record_row, split_table
from segkit.data.readers.base import Reader
from segkit.drawing.html import Html, data_url, page, paragraph, picture, section, table, text

_ROWS, _PAIRS, _LISTED = 20, 6, 500
_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(10rem,1fr));gap:.25rem .75rem"
_KINDS = {"error": "bad", "warning": "", "note": "faint"}


def report(audit: Audit, reader: Reader, title: str, subtitle: str, augmented: bytes = b"") -> str:
    """The page.

    Args:
        audit: what was found.
        reader: to show images with.
        title: the heading.
        subtitle: a line beneath it.
        augmented: PNG of augmented images, or nothing.
    """
    parts = [_verdict(audit), section("Splits", table(*split_table(audit)), _facts(audit))]
    if audit.findings:
        parts.append(section("Problems", *(_kind(group) for group in by_kind(audit.findings))))
    if audit.facts:
        parts.append(section("Distributions", picture(charts(audit), identity="distributions")))
        parts.append(_sheet(contact_sheet(reader, audit)))
    pairs = worst_pairs(audit, _PAIRS)
    if pairs:
        parts.append(_copies(pair_pictures(reader, audit, pairs)))
    if augmented:
        caption = "left the image as it is, then as the first six epochs would show it"
        parts.append(section("Augmentation", picture(augmented, caption, identity="augmented")))
    if audit.facts:
        parts.append(_records(audit))
    return page(title, subtitle, parts)


def _verdict(audit: Audit) -> Html:
    kind = "bad" if audit.count("error") else "good"
    return paragraph(Html(f"<strong>{text(audit.verdict)}</strong>"), kind=kind)


def _facts(audit: Audit) -> Html:
    rows = "".join(f"<tr><th>{text(n)}</th><td>{text(v)}</td></tr>" for n, v in ranges(audit))
    return Html(f"<table>{rows}</table>")


def _kind(group: Sequence[Finding]) -> Html:
    first = group[0]
    head = paragraph(
        Html(f"<strong>{first.severity}: {text(first.kind)}</strong> ({len(group)})"),
        kind=_KINDS[first.severity],
    )
    rows = table(("what", "where"), [(f.what, _wrapped(f.where)) for f in group[:_LISTED]])
    if len(group) > 8:
        rows = Html(f"<details><summary>all {len(group)}</summary>{rows.text}</details>")
    more = len(group) - _LISTED
    rest = paragraph(f"and {more} more in problems.csv", kind="faint") if more > 0 else Html("")
    remedies = list(dict.fromkeys(finding.remedy for finding in group))
    fixes = paragraph("What to do: " + "; or ".join(remedies[:3]) + ".")
    return Html(head.text + fixes.text + rows.text + rest.text)


def _wrapped(name: str) -> Html:
    return Html(f'<span style="overflow-wrap:anywhere">{text(name)}</span>')


def _figure(shown: Shown) -> str:
    name = text(shown.caption)
    source = data_url(shown.data, "webp")
    return f'<figure><img alt="{name}" src="{source}"><figcaption>{name}</figcaption></figure>'


def _sheet(shown: Sequence[Shown]) -> Html:
    cells = "".join(_figure(one) for one in shown)
    return section("Images with their masks", Html(f'<div style="{_GRID}">{cells}</div>'))


def _copies(pairs: Sequence[tuple[Shown, Shown, str]]) -> Html:
    rows = [
        f"<p>{text(alike)}</p>"
        f'<div style="display:flex;gap:.75rem">{_figure(one)}{_figure(other)}</div>'
        for one, other, alike in pairs
    ]
    return section("Copies", Html("".join(rows)))


def _records(audit: Audit) -> Html:
    rows = [record_row(audit, fact) for fact in audit.facts[:_ROWS]]
    parts = [table(RECORD_COLUMNS, rows)]
    if len(audit.facts) > _ROWS:
        parts.append(paragraph(f"{len(audit.facts)} rows in records.csv", kind="faint"))
    return section("Records", *parts)
