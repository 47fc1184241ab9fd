"""A data set listed in a CSV table: one row an image.

Columns (a header line; parted by commas, semicolons or tabs; UTF-8, or UTF-16 with its mark):

- ``image`` (required): a file's name relative to ``dataset.root``, or its path in there.
- ``mask`` (required): likewise; several, separated by ``;``, are merged (between quotes, where
  semicolons part the cells, too); empty without truth.
- ``id``: unique; by default the image's name without its suffix.
- ``group``: what must not be split (the patient); by default the image.
- ``split``: ``train``, ``val`` or ``test``; empty where it is to be drawn.
- ``stratum``: what drawn splits are balanced over.

Every other column becomes a fact of its record.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath

from segkit.core.contracts import Listing, Problem, Record
from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.home import at_home
from segkit.core.limits import check_bytes
from segkit.core.shell import argument
from segkit.data.source import Source
from segkit.imaging.formats.registry import bare

SPLIT_NAMES = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_REQUIRED = ("image", "mask")
_KNOWN = (*_REQUIRED, "id", "group", "split", "stratum")
_MARKS = ",;\t"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Row = dict[str, str]
GroupOf = Callable[[str, str], str]


def read_manifest(source: Source, manifest: str, group_of: GroupOf) -> Listing:
    """List the records that a CSV table names.

    Args:
        source: the data set's files.
        manifest: a name inside ``source``, or else a path on disk.
        group_of: gives the group of (id, the image's name without suffix) to rows without one.

    Raises:
        SegkitError: the table cannot be read, lacks a column, names an id twice, a split that
            does not exist, or a path outside the root.
    """
    # A Mac may store the letters of a name apart from their accents.
    names = {nfc(name): name for name in source.names()}
    rows = _read_rows(source, manifest, names)
    homes = [home.as_posix() for home in (source.root.absolute(), source.root.resolve())]
    any_mask = any(row["mask"] for _, row in rows)
    lines: dict[str, int] = {}
    records, problems = [], []
    for line, row in rows:
        where = f"{manifest}, line {line}"
        if not row["image"]:
            problems.append(Problem(where=where, what="a row without an image"))
            continue
        record = _record(row, where, group_of, homes)
        if lines.setdefault(record.id, line) != line:
            raise SegkitError(
                f"the id {record.id!r} stands on lines {lines[record.id]} and {line}",
                where=manifest,
                remedy="name each image once, or give the rows an id column with different ids",
            )
        missing = [name for name in (record.image, *record.masks) if nfc(name) not in names]
        problems += [Problem(f"{where}: {name}", "a file that is not there") for name in missing]
        if any_mask and not record.masks:
            problems.append(Problem(f"{where}: {record.image}", "an image without a mask"))
        elif not missing:
            masks = tuple(names[nfc(mask)] for mask in record.masks)
            records.append(replace(record, image=names[nfc(record.image)], masks=masks))
    return Listing(records, problems)


def tables(source: Source) -> str:
    """The tables of a data set that may list its images, as settings, for advice; or nothing."""
    found = []
    for name in source.names():
        if name.lower().endswith(".csv"):
            with suppress(SegkitError, OSError):
                _read_rows(source, name, {nfc(name): name})
                found.append(argument("dataset.manifest", name))
    return f"there is a table that lists images: {' or '.join(found[:3])}; " if found else ""


def nfc(name: str) -> str:
    """A name with each letter and its accents as one, by which it is compared."""
    return unicodedata.normalize("NFC", name)


def _record(row: Row, where: str, group_of: GroupOf, homes: Sequence[str]) -> Record:
    image = _inside(row["image"], where, homes)
    stem = bare(image)
    key = row.get("id") or stem
    return Record(
        id=key,
        group=row.get("group") or group_of(key, stem),
        image=image,
        masks=tuple(_inside(mask, where, homes) for mask in row["mask"].split(";") if mask.strip()),
        split=_split(row.get("split", ""), where),
        stratum=row.get("stratum", ""),
        facts={column: value for column, value in row.items() if column and column not in _KNOWN},
    )


def _inside(value: str, where: str, homes: Sequence[str]) -> str:
    """A POSIX path below the root, written the way the source names it."""
    path = PurePosixPath(value.strip().replace("\\", "/"))
    for home in homes:
        if path.is_absolute() and path.is_relative_to(home):
            path = path.relative_to(home)
    if (
        path.is_absolute()
        or not path.name
        or ".." in path.parts
        or re.match(r"[A-Za-z]:", value.strip())
    ):
        raise SegkitError(
            f"the path {value.strip()!r} leads out of the data set, or to no file",
            where=where,
            remedy=f"name files relative to dataset.root={homes[0]}, without '..'",
        )
    return path.as_posix()


def _split(value: str, where: str) -> str:
    if value and value.lower() not in SPLIT_NAMES:
        raise SegkitError(
            f"{value!r} is not a split", where=where, remedy=did_you_mean(value, SPLIT_NAMES)
        )
    return SPLIT_NAMES[value.lower()] if value else ""


def _read_rows(source: Source, manifest: str, names: Mapping[str, str]) -> list[tuple[int, Row]]:
    """Line numbers, and the rows as dictionaries of stripped text.

    Columns of segkit's own are in lower case. A cell may hold line breaks: the number is of the
    row's last line.
    """
    try:
        data = _read_bytes(source, manifest, names)
        text = data.decode("utf-16" if data[:2] in _UTF16 else "utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_parted(text), strict=True)
        table = [(reader.line_num, row) for row in reader if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _bad_table(f"a table that cannot be read: {error}", manifest) from error
    if not table:
        raise _bad_table("an empty table", manifest)
    header = [_column(name) for name in table[0][1]]
    _check_header(header, manifest)
    for line, row in table[1:]:
        if len(row) > len(header):
            raise _bad_table(
                f"line {line} has {len(row)} cells under {len(header)} columns", manifest
            )
    blank = dict.fromkeys(header, "")
    return [
        (line, blank | {column: cell.strip() for column, cell in zip(header, row, strict=False)})
        for line, row in table[1:]
    ]


def _parted(text: str) -> str:
    """What parts the cells: of the heading, between columns of segkit's own."""
    heading = next((line for line in text.splitlines() if line.strip()), "")

    def known(mark: str) -> int:
        return sum(cell.strip(' "').lower() in _KNOWN for cell in heading.split(mark))

    return max(_MARKS, key=known)


def _read_bytes(source: Source, manifest: str, names: Mapping[str, str]) -> bytes:
    if nfc(manifest) in names:
        return source.read(names[nfc(manifest)])
    path = at_home(manifest, "dataset.manifest")
    try:
        if path.is_file():
            check_bytes(path.stat().st_size, "a table", manifest)
            return path.read_bytes()
    except OSError as error:  # no permission, or a name too long
        raise _bad_table(f"a table that cannot be read: {error.strerror}", manifest) from error
    tables = [name for name in names if name.lower().endswith(".csv")]
    hint = f" ({did_you_mean(manifest, tables)})" if tables else ""
    raise SegkitError(
        "the manifest is not there",
        where=f"dataset.manifest={manifest}",
        remedy=f"name a CSV file inside dataset.root, or a path on disk{hint}",
    )


def _column(name: str) -> str:
    stripped = name.strip()
    return stripped.lower() if stripped.lower() in _KNOWN else stripped


def _check_header(header: list[str], manifest: str) -> None:
    for needed in _REQUIRED:
        if needed not in header:
            raise SegkitError(
                f"the table has no column {needed!r}",
                where=manifest,
                remedy=f"name the columns in the first line, parted by commas; for {needed!r} "
                + did_you_mean(needed, header),
            )
    twice = sorted(name for name, count in Counter(header).items() if name and count > 1)
    if twice:
        raise _bad_table(f"the column {twice[0]!r} stands there twice", manifest)


def _bad_table(what: str, manifest: str) -> SegkitError:
    return SegkitError(
        what,
        where=manifest,
        remedy="write a comma-separated UTF-8 table whose first line names the columns "
        "image and mask, with quotes round cells that hold a comma",
    )
