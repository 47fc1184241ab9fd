"""What a split does not divide: images, groups, or all groups of one hospital or imaging type."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from segkit.core.contracts import Record
from segkit.core.errors import SegkitError


def left_out(records: Sequence[Record], group_by: str, fold: int) -> tuple[str, list[Record]]:
    """What a fold of ``each`` leaves out: its name and its records.

    Raises:
        SegkitError: nothing differs by ``group_by``, or there is no such fold.
    """
    units = units_of(_labelled(records), group_by)
    names = sorted(units)
    if len(names) < 2:
        raise SegkitError(
            f"nothing can be left out: all records are of one {group_by}, {names[0]!r}",
            where=f"dataset.split.folds=each, dataset.split.group_by={group_by}",
            remedy="group by something in which they differ; segkit.check shows what is known",
        )
    if fold >= len(names):
        named = ", ".join(f"{place} {name or 'none'}" for place, name in enumerate(names))
        raise SegkitError(
            f"fold {fold} of {len(names)} does not exist",
            where=f"dataset.split.fold={fold}",
            remedy=f"the folds are, by {group_by}: {named}",
        )
    return names[fold], units[names[fold]]


def fold_count(records: Sequence[Record], group_by: str) -> int:
    """How many folds ``each`` makes of the labelled records."""
    return len(units_of(_labelled(records), group_by))


def units_of(records: Sequence[Record], group_by: str) -> dict[str, list[Record]]:
    """What is not divided, by name: images, groups, or all groups of one value."""
    if group_by == "image":
        return {record.id: [record] for record in records}
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    if group_by == "group":
        return groups
    units: dict[str, list[Record]] = defaultdict(list)
    for group in groups.values():
        units[majority(group, group_by)] += group
    return units


def majority(records: Sequence[Record], column: str) -> str:
    """The commonest value of a group; of equals the first in the alphabet."""
    counts = Counter(_value(record, column) for record in records)
    return min(counts, key=lambda value: (-counts[value], value))


def _value(record: Record, column: str) -> str:
    return record.stratum if column == "stratum" else record.facts.get(column, "")


def _labelled(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.labelled]
