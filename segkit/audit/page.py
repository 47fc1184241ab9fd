"""``report.html``: what a check found, as one page that needs nothing else."""

from collections.abc import Sequence

from segkit.audit.audit import Audit
from segkit.audit.charts import charts
from segkit.audit.findings import Finding
from segkit.audit.pictures import (
    contact_sheet,
    pair_pictures,
    scene_pictures,
    worst_pairs,
    worst_scenes,
)
from segkit.audit.tables import RECORD_COLUMNS, by_kind, ranges, record_row, split_table
from segkit.data.readers.base import Reader
from segkit.drawing.html import Table, render

_ROWS, _PAIRS, _FINDINGS = 20, 6, 500


def report(audit: Audit, reader: Reader, title: str, subtitle: str, augmented: bytes = b"") -> str:
    """The page.

    Args:
        audit: what was found.
        reader: to show images with.
        title: the heading.
        subtitle: a line beneath it.
        augmented: PNG of augmented images, or nothing.
    """
    return render(
        "audit/page.html",
        title=title,
        subtitle=subtitle,
        audit=audit,
        splits=Table(*split_table(audit)),
        ranges=Table(("", "of all images"), ranges(audit)),
        problems=[(group, _told(group)) for group in by_kind(audit.findings)],
        charts=charts(audit) if audit.facts else b"",
        sheet=contact_sheet(reader, audit),
        copies=pair_pictures(reader, audit, worst_pairs(audit, _PAIRS)),
        scenes=scene_pictures(reader, audit, worst_scenes(audit, _PAIRS)),
        augmented=augmented,
        records=_records(audit),
    )


def _told(group: Sequence[Finding]) -> Table:
    rows = [(one.what, one.where) for one in group[:_FINDINGS]]
    return Table(("what", "where"), rows, sortable=True)


def _records(audit: Audit) -> Table:
    rows = [record_row(audit, fact) for fact in audit.facts[:_ROWS]]
    return Table(RECORD_COLUMNS, rows, sortable=True)
