"""What a run's records held, since others may be called alike."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from segkit.core.tables import parse_table, table_text

_COLUMNS = ("id", "image", "mask")
_SHOWN = 3


class Checksums(NamedTuple):
    """What tells a record's pixels from others of the same name, in whatever files they lie.

    Attributes:
        image: of its pixels as they were decoded, before they were brought to any size.
        mask: of its class indices; "" without ground truth.
    """

    image: str
    mask: str


def checksum_table(checksums: Mapping[str, Checksums]) -> str:
    """The text of ``checksums.csv``.

    Args:
        checksums: by record id, of all that have ground truth and could be read.
    """
    return table_text(_COLUMNS, ((name, *each) for name, each in sorted(checksums.items())))


def from_table(content: bytes) -> dict[str, Checksums]:
    """What :func:`checksum_table` wrote.

    Raises:
        ValueError, KeyError: the table is damaged.
    """
    rows = parse_table(content)
    return {row["id"]: Checksums(row["image"], row["mask"]) for row in rows}


def content_hash(checksums: Mapping[str, Checksums], split: str = "") -> str:
    """Twelve hexadecimal digits that are the same for the same records, wherever they lie.

    Args:
        checksums: of the records.
        split: the text of their ``split.csv``, where that counts too.
    """
    return hashlib.sha256((checksum_table(checksums) + split).encode()).hexdigest()[:12]


def differing(
    one: Mapping[str, Checksums], other: Mapping[str, Checksums], *, masks: bool = True
) -> str:
    """In words, which records are not the same in both; "" where all are.

    Args:
        one: by record id.
        other: likewise.
        masks: whether these count; of class indices and of labels they differ in any case.
    """
    counted = slice(None) if masks else slice(1)
    ours, theirs = ({name: known[counted] for name, known in each.items()} for each in (one, other))
    names = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    if not names:
        return ""
    more = ", …" if len(names) > _SHOWN else ""
    return f"{len(names)} of {len({*one, *other})} records ({', '.join(names[:_SHOWN])}{more})"
