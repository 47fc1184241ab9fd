"""A data set looked over as a whole: facts, split, copies, and what is wrong."""

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from segkit.audit.adjoining import find_joins
from segkit.audit.channel_findings import of_channels
from segkit.audit.clean_split import bring_together, draw_together
from segkit.audit.crops import find_overlaps
from segkit.audit.duplicates import Pair, find_pairs
from segkit.audit.findings import (
    SEVERITIES,
    Finding,
    Use,
    bad_files,
    no_split,
    of_all,
    of_cautions,
    of_copies,
    of_records,
)
from segkit.audit.measure import Facts, Unreadable, measure_all
from segkit.audit.placement import Placement
from segkit.audit.scenes import not_compared, of_scenes
from segkit.audit.split_findings import of_classes, of_groups
from segkit.core.contracts import SPLITS, Problem, Record
from segkit.core.errors import SegkitError
from segkit.core.terminal import console
from segkit.data.readers.base import Reader
from segkit.data.splits import SplitSpec, assign_splits

# Fewer are compared before a bar could be read.
_MANY = 2000


@dataclass(frozen=True, slots=True)
class Audit:
    """What a check found out.

    Attributes:
        classes: names, background first.
        facts: of every record that could be read.
        unreadable: the others.
        splits: by record id: train, val, test, unlabelled, or "" where none can be drawn.
        pairs: copies, as positions in ``facts``.
        placements: images that adjoin or overlap, likewise; of exact copies one.
        findings: the worst first.
        clean: a split in which copies and parts of one scene lie on one side, where ``splits``
            is not one and the parts would not become empty by it.
        seconds: wall time of reading and measuring.
    """

    classes: tuple[str, ...]
    facts: list[Facts]
    unreadable: list[Unreadable]
    splits: dict[str, str]
    pairs: list[Pair]
    placements: list[Placement]
    findings: list[Finding]
    clean: dict[str, str] | None
    seconds: float

    @property
    def records(self) -> list[Record]:
        """What could be read, with strata."""
        return [fact.record for fact in self.facts]

    def count(self, severity: str) -> int:
        """How many findings there are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def verdict(self) -> str:
        """One line."""
        errors, warnings = self.count("error"), self.count("warning")
        if errors:
            counts = f"{_plural(errors, 'error')}, {_plural(warnings, 'warning')}"
            if not any(record.labelled for record in self.records):
                return f"Nothing to train on, no record has a mask that can be used: {counts}"
            return f"Do not train on it yet: {counts}"
        if warnings:
            return f"Fit to train on, with {_plural(warnings, 'warning')}"
        return "Fit to train on: nothing wrong was found"


def _errors(findings: Sequence[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def audit(reader: Reader, use: Use, spec: SplitSpec, more: Sequence[Problem] = ()) -> Audit:
    """Read and judge a data set; ``more`` are cautions about how it would be trained on.

    Raises:
        SegkitError: there is nothing to read.
    """
    listing = reader.listing()
    started = time.perf_counter()
    threads = min(8, os.cpu_count() or 1)
    facts, unreadable = measure_all(reader, listing.records, threads=threads, channels=use.channels)
    seconds = time.perf_counter() - started
    records = [fact.record for fact in facts]
    splits, failure = _split(records, spec)
    # A copy without a split says nothing of a leak between two others that have one.
    priorities = [
        SPLITS.index(s) if (s := splits[r.id]) in SPLITS else len(SPLITS) for r in records
    ]
    pairs = find_pairs([fact.signature for fact in facts], priorities=priorities, watch=_watch)
    placements = _placements(reader, facts, pairs, splits, priorities)
    together = [(pair.first, pair.second) for pair in pairs]
    together += [(placed.first, placed.second) for placed in placements]
    clean = _clean(records, splits, spec, together)
    cautions, unfit = _cautions(reader)
    some = any(record.labelled for record in records)
    bad = list(bad_files(listing.problems, unreadable, skip=use.skip, some=some))
    findings = [
        *bad,
        # Where no record can be used, what is wrong with them says why.
        *([no_split(failure)] if failure and (some or not _errors(bad)) else ()),
        *of_cautions([*cautions, *more], unfit),
        *of_records(facts, use),
        *of_channels(facts),
        *of_copies(facts, pairs, splits, mended=clean is not None),
        *of_scenes(facts, placements, splits, mended=clean is not None),
        *of_groups(records, splits, spec),
        *of_classes(facts, splits, use.classes, spec),
        *of_all(facts, use),
        *not_compared(facts),
    ]
    if any(finding.kind == "groups in two splits" for finding in findings):
        findings = [finding for finding in findings if finding.kind != "no split"]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Audit(
        use.classes, facts, unreadable, splits, pairs, placements, findings, clean, seconds
    )


def _cautions(reader: Reader) -> tuple[list[Problem], SegkitError | None]:
    try:
        return reader.cautions(), None
    except SegkitError as error:
        return [], error


def _placements(
    reader: Reader,
    facts: Sequence[Facts],
    pairs: Sequence[Pair],
    splits: dict[str, str],
    priorities: Sequence[int],
) -> list[Placement]:
    """Images that adjoin or overlap and are no copies; of exact copies the first in priority."""
    copies = {(pair.first, pair.second) for pair in pairs}
    order = sorted(range(len(facts)), key=priorities.__getitem__)
    kinds = {facts[position].signature.digest: position for position in reversed(order)}
    unique = sorted(kinds.values())
    records = [facts[position].record for position in unique]

    def pictures(*pair: int) -> list[NDArray[np.uint8]]:
        return [load().image for load in reader.loaders([records[one] for one in pair])]

    def wanted(first: int, second: int) -> bool:
        one, other = records[first], records[second]
        known = (unique[first], unique[second]) in copies
        return not known and (one.group != other.group or splits[one.id] != splits[other.id])

    joins = find_joins([facts[position].borders for position in unique])
    marks = [facts[position].marks for position in unique]
    overlaps = find_overlaps(marks, pictures, wanted=wanted)
    return [
        replace(one, first=unique[one.first], second=unique[one.second])
        for one in (*joins, *overlaps)
    ]


def _watch(rounds: Sequence[int]) -> Iterable[int]:
    if len(rounds) < _MANY:
        return rounds
    return track(rounds, "comparing", console=console(stderr=True))


def _split(records: Sequence[Record], spec: SplitSpec) -> tuple[dict[str, str], SegkitError | None]:
    """The configured split; where groups overlap in a published one, that split as it is."""
    try:
        return assign_splits(records, spec), None
    except SegkitError as error:
        try:
            return assign_splits(records, replace(spec, group_by="image")), error
        except SegkitError:
            return {record.id: "" for record in records}, error


def _clean(
    records: Sequence[Record],
    splits: dict[str, str],
    spec: SplitSpec,
    together: Sequence[tuple[int, int]],
) -> dict[str, str] | None:
    clean = bring_together(records, splits, together)
    if clean == splits:
        return None
    published = spec.published and any(record.split for record in records)
    if not (spec.file or published):  # drawn here, and so may be drawn anew
        with suppress(SegkitError):
            return draw_together(records, spec, together)
    if {*clean.values()} & {*SPLITS} != {*splits.values()} & {*SPLITS}:
        return None
    return clean
