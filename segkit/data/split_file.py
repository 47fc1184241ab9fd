"""``split.csv``: the split as a table that can be read by people and read back by segkit."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from segkit.core.contracts import SPLITS, UNLABELLED, Record
from segkit.core.errors import SegkitError
from segkit.core.home import at_home
from segkit.core.tables import read_table, table_text

COLUMNS = ("id", "group", "split", "stratum")


def split_table(records: Sequence[Record], splits: Mapping[str, str]) -> str:
    """The text of ``split.csv``: id, group, split, stratum of every record."""
    return table_text(COLUMNS, ((r.id, r.group, splits[r.id], r.stratum) for r in records))


def split_hash(table: str) -> str:
    """Twelve hexadecimal digits of the SHA-256 of a ``split.csv``; stored with every result."""
    return hashlib.sha256(table.encode()).hexdigest()[:12]


def read_split(path: Path, records: Sequence[Record]) -> dict[str, str]:
    """Read a saved ``split.csv`` back; it must name every labelled record.

    Raises:
        SegkitError: the file is missing, malformed, or does not fit the records.
    """
    remedy = (
        "restore the data that it is of; or, where you gave dataset.split.file, name the split.csv "
        "of a run on the same data, or leave it out"
    )
    where = f"dataset.split.file={path}"
    try:
        rows = _rows(path)
    except (OSError, ValueError) as error:
        raise SegkitError("the split file cannot be read", where=where, remedy=remedy) from error
    if not rows or not {"id", "split"} <= rows[0].keys():
        raise SegkitError(
            "not a split file: it needs columns id, split", where=where, remedy=remedy
        )
    named: dict[str, str] = {}
    for row in rows:
        if named.setdefault(row["id"], row["split"]) != row["split"]:
            raise SegkitError(
                f"{row['id']!r} is named twice, with two splits", where=where, remedy=remedy
            )
    wrong = sorted(set(named.values()) - {*SPLITS, UNLABELLED})
    if wrong:
        raise SegkitError(
            f"unknown splits {', '.join(map(repr, wrong))}",
            where=where,
            remedy="use train, val and test",
        )
    missing = [record.id for record in records if record.id not in named]
    if missing:
        raise SegkitError(
            f"{len(missing)} records are not in the split file, the first is {missing[0]!r}",
            where=where,
            remedy=remedy,
        )
    return {record.id: named[record.id] for record in records}


def regrouped(records: Sequence[Record], path: str | None) -> list[Record]:
    """Records in the groups of a saved ``split.csv``; where it gives none, in their own.

    Args:
        records: of the data set.
        path: of a file that :func:`read_split` has read; None leaves them as they are.
    """
    groups = {row["id"]: row.get("group") for row in _rows(Path(path))} if path else {}
    return [replace(record, group=groups.get(record.id) or record.group) for record in records]


def _rows(path: Path) -> list[dict[str, str]]:
    return read_table(at_home(path, "dataset.split.file"))
