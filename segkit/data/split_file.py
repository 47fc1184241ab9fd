"""``split.csv``: the split as a table that can be read by people and read back by segkit."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from segkit.core.contracts import SPLITS, UNLABELLED, Record
from segkit.core.errors import SegkitError
from segkit.core.home import at_home

COLUMNS = ("id", "group", "split", "stratum")


def split_table(records: Sequence[Record], splits: Mapping[str, str]) -> str:
    """The text of ``split.csv``: id, group, split, stratum of every record."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow((record.id, record.group, splits[record.id], record.stratum))
    return out.getvalue()


def split_hash(table: str) -> str:
    """Twelve hexadecimal digits of the SHA-256 of a ``split.csv``; stored with every result."""
    return hashlib.sha256(table.encode()).hexdigest()[:12]


def read_split(path: Path, records: Sequence[Record]) -> dict[str, str]:
    """Read a saved ``split.csv`` back; it must name every labelled record.

    Raises:
        SegkitError: the file is missing, malformed, or does not fit the records.
    """
    remedy = "name the split.csv of a run on the same data, or leave dataset.split.file out"
    where = f"dataset.split.file={path}"
    try:
        text = at_home(path, "dataset.split.file").read_bytes().decode("utf-8-sig")
        # Not by splitlines: an id may hold a line break.
        rows = list(csv.DictReader(io.StringIO(text, newline=""), restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
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
