"""Tables of text: CSV is written and read in one way, here."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Row = Mapping[str, object] | Sequence[object]


def row_text(cells: Iterable[object]) -> str:
    """One line of a table, with its end; what is None or NaN leaves its cell empty."""
    out = io.StringIO()
    # Before Python 3.13, a lone \r is quoted only where the line's end holds one.
    csv.writer(out, lineterminator="\r\n").writerow(map(_cell, cells))
    return out.getvalue().removesuffix("\r\n") + "\n"


def table_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """CSV of these columns; what is None, NaN or missing leaves its cell empty.

    Args:
        columns: the headings.
        rows: by heading, or a value for each heading in order.

    Raises:
        ValueError: a row has a column that is not among them, or too few or too many values.
    """
    return row_text(columns) + "".join(row_text(_ordered(columns, row)) for row in rows)


def _ordered(columns: Sequence[str], row: Row) -> list[object]:
    if isinstance(row, Mapping):
        if not row.keys() <= set(columns):
            raise ValueError(f"not among the columns: {sorted(row.keys() - set(columns))}")
        return [row.get(name) for name in columns]
    return [value for _, value in zip(columns, row, strict=True)]


def _cell(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def parse_rows(content: bytes, errors: str = "strict") -> list[list[str]]:
    """The cells of every line, empty lines left out.

    Args:
        content: UTF-8, with or without a byte order mark.
        errors: of decoding, as for ``bytes.decode``.

    Raises:
        ValueError: not UTF-8, or not CSV.
    """
    # Not by splitlines: a cell may hold a line break.
    text = io.StringIO(content.decode("utf-8-sig", errors), newline="")
    try:
        return [row for row in csv.reader(text) if row]
    except csv.Error as error:
        raise ValueError(str(error)) from error


def parse_table(content: bytes, errors: str = "strict") -> list[dict[str, str]]:
    """The rows by heading; a missing cell is empty, a cell or column without a heading left out.

    Args:
        content: as for :func:`parse_rows`, which also says what is raised.
        errors: likewise.
    """
    header, *rows = parse_rows(content, errors) or [[]]
    blank = dict.fromkeys(header, "")
    table = [blank | dict(zip(header, row, strict=False)) for row in rows]
    return [{name: cell for name, cell in row.items() if name} for row in table]


def read_table(path: Path, errors: str = "strict") -> list[dict[str, str]]:
    """:func:`parse_table` of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: not UTF-8, or not CSV.
    """
    return parse_table(path.read_bytes(), errors)
