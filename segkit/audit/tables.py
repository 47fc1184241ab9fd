"""What a check found, as tables: for the terminal, the report and ``records.csv``."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console
from rich.text import Text

from segkit.audit.audit import Audit
from segkit.audit.findings import SEVERITIES, Finding
from segkit.audit.measure import Facts
from segkit.core.contracts import SPLITS, UNLABELLED
from segkit.core.shell import argument
from segkit.core.tables import table_text
from segkit.core.terminal import console, show_facts, show_line, show_table
from segkit.data.volumes import file_of

RECORD_COLUMNS = (
    *("id", "group", "split", "stratum", "file", "masks", "format", "dtype", "bits"),
    *("width", "height", "channels", "axes", "channel_names", "min", "mean", "max", "saturated"),
    *("objects", "empty", "mask_values", "read_ms"),
)
_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
_SHOWN = 3
# Channels of a multiplex that are named in a line.
_NAMES = 8


def records_csv(audit: Audit) -> str:
    """The text of ``records.csv``: one row a record, unreadable ones last with their problem."""
    shares = [f"share_{name}" for name in audit.classes]
    rows = [(*record_row(audit, fact), *_shares(audit, fact), "") for fact in audit.facts]
    blank = [""] * (len(RECORD_COLUMNS) - 6 + len(shares))
    for bad in audit.unreadable:
        r = bad.record
        rows.append((r.id, r.group, "", r.stratum, r.image, len(r.masks), *blank, bad.error.what))
    return table_text((*RECORD_COLUMNS, *shares, "problem"), rows)


def problems_csv(audit: Audit) -> str:
    """The text of ``problems.csv``: every finding."""
    rows = [(f.severity, f.kind, f.what, f.where, f.remedy) for f in audit.findings]
    return table_text(("severity", "kind", "what", "where", "remedy"), rows)


def record_row(audit: Audit, fact: Facts) -> tuple[object, ...]:
    """One record's values in the order of :data:`RECORD_COLUMNS`."""
    r = fact.record
    return (
        r.id,
        r.group,
        audit.splits.get(r.id, ""),
        r.stratum,
        r.image,
        len(r.masks),
        fact.format,
        fact.dtype,
        fact.bits or "",
        fact.width,
        fact.height,
        fact.channels,
        fact.layout.axes,
        "; ".join(fact.layout.channels),
        *(" ".join(f"{v:.6g}" for v in values) for values in (fact.low, fact.mean, fact.high)),
        f"{fact.saturated:.4f}",
        "" if fact.objects is None else fact.objects,
        fact.empty if r.labelled else "",
        fact.mask_values,
        f"{fact.read_ms:.1f}",
    )


def _shares(audit: Audit, fact: Facts) -> list[str]:
    return [f"{share:.6f}" for share in fact.shares] or [""] * len(audit.classes)


def split_table(audit: Audit) -> tuple[list[str], list[list[object]]]:
    """Header and rows: of each split and stratum the records, groups, and images of each class.

    The last is the share of pixels that are not background, as a mean over images.
    """
    names = audit.classes[1:]
    with_class = [f"with {name}" for name in names]
    header = [
        "split",
        "stratum",
        "images",
        "groups",
        *with_class,
        "empty",
        "objects",
        "foreground share",
    ]
    rows: list[list[object]] = []
    for split in (*SPLITS, UNLABELLED, ""):
        inside = [f for f in audit.facts if audit.splits.get(f.record.id, "") == split]
        strata = sorted({fact.record.stratum for fact in inside})
        if inside:
            only = strata[0] if len(strata) == 1 and strata[0] else "all"
            rows.append([split or "no split", only, *_counts(inside, len(names))])
        if len(strata) > 1:
            for stratum in strata:
                part = [fact for fact in inside if fact.record.stratum == stratum]
                rows.append(["", stratum or "none", *_counts(part, len(names))])
    return header, rows


def _counts(facts: Sequence[Facts], foregrounds: int) -> list[object]:
    labelled = [fact for fact in facts if fact.shares]
    groups = len({fact.record.group for fact in facts})
    with_class = [sum(f.shares[k + 1] > 0 for f in labelled) for k in range(foregrounds)]
    objects = sum(fact.objects or 0 for fact in labelled)
    share = f"{np.mean([1 - f.shares[0] for f in labelled]):.1%}" if labelled else ""
    return [len(facts), groups, *with_class, sum(f.empty for f in labelled), objects, share]


def ranges(audit: Audit) -> list[tuple[str, str]]:
    """Sizes, depths, channels, formats and reading speed, each in a phrase."""
    facts = audit.facts
    if not facts:
        return []
    sizes = Counter(f"{fact.width}×{fact.height}" for fact in facts)
    depths = Counter(fact.dtype or "array" for fact in facts)
    channels = Counter(str(fact.channels) for fact in facts)
    formats = Counter(fact.format or "array" for fact in facts)
    slowest = max(facts, key=lambda fact: fact.read_ms)
    records = [fact.record for fact in facts]
    files = len({file_of(n) for r in records for n in (r.image, *r.sequences, *r.masks)})
    speed = (
        f"{len(facts)} images and their masks ({files} files) in {audit.seconds:.1f} s; "
        f"median {np.median([f.read_ms for f in facts]):.0f} ms, slowest "
        f"{slowest.read_ms:.0f} ms ({slowest.record.id})"
    )
    return [
        ("pixels", _commonest(sizes)),
        ("stored as", f"{_commonest(formats)}; {_commonest(depths)}"),
        ("channels", _commonest(channels)),
        *((what, _commonest(counts)) for what, counts in _layouts(facts) if counts),
        ("reading", speed),
    ]


def _layouts(facts: Sequence[Facts]) -> Iterator[tuple[str, Counter[str]]]:
    """What files say of their channels and axes; of those that say something."""
    names = (fact.layout.channels for fact in facts)
    shown = (" | ".join(few[:_NAMES]) + (" | …" if few[_NAMES:] else "") for few in names if few)
    yield "channel names", Counter(shown)
    yield "axes", Counter(fact.layout.axes for fact in facts if fact.layout.axes)


def _commonest(counts: Counter[str], most: int = 4) -> str:
    shown = ", ".join(f"{name} ({count})" for name, count in counts.most_common(most))
    return shown + (f", and {len(counts) - most} more" if len(counts) > most else "")


def show(audit: Audit, title: str, folder: str, next_step: str = "", *, apart: str = "") -> None:
    """Print the tables, the findings by kind, the verdict, and next steps.

    Args:
        audit: to be shown.
        title: above it.
        folder: where its report lies.
        next_step: the command that trains on it.
        apart: the one that learns to tell its objects apart, where that is another.
    """
    out = console()
    header, rows = split_table(audit)
    styles = ["" if row[0] else "dim" for row in rows]
    if rows:
        show_table(out, header, rows, words=("split", "stratum"), title=title, styles=styles)
        out.print()
    show_facts(out, ranges(audit))
    for group in by_kind(audit.findings):
        _show_kind(out, group)
    out.print()
    show_line(out, audit.verdict, f"bold {'red' if audit.count('error') else 'green'}")
    show_line(out, f"report: {folder}/report.html")
    if audit.clean is not None:
        clean = argument("dataset.split.file", f"{folder}/split.csv")
        line = "a split in which copies and parts of one scene lie on one side: "
        show_line(out, line + clean)
        next_step += f" {clean}" * bool(next_step)  # not on the one that leaks
        apart += f" {clean}" * bool(apart)
    if next_step:
        show_line(out, f"train on it: {next_step}")
    touching = sum(fact.touching for fact in audit.facts)
    if apart and touching:
        objects = sum(fact.objects or 0 for fact in audit.facts)
        what = f"{touching} of the {objects} objects touch another; to tell them apart"
        show_line(out, f"{what}: {apart}")


def _show_kind(out: Console, group: Sequence[Finding]) -> None:
    first = group[0]
    mark = (first.severity, f"bold {_COLOURS[first.severity]}")
    out.print(Text.assemble("\n", mark, f": {first.kind} ({len(group)})"), soft_wrap=True)
    for finding in group[:_SHOWN]:
        show_line(out, f"  {finding.where}: {finding.what}")
    if len(group) > _SHOWN:
        show_line(out, f"  … and {len(group) - _SHOWN} more in problems.csv")
    show_line(out, f"  fix: {first.remedy}", "dim")


def by_kind(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of one severity and kind together, the worst first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.kind), []).append(finding)
    return sorted(groups.values(), key=lambda group: SEVERITIES.index(group[0].severity))
