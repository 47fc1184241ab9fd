"""CSV: what is written is read back, whatever the cells hold."""

import csv
import io
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segkit.core.tables import Row, parse_rows, parse_table, read_table, row_text, table_text

# Surrogates cannot be written as UTF-8; everything else may stand in a name.
CELL = st.text(st.characters(exclude_categories=["Cs"]))
AWKWARD = (
    "a,b",
    'say "so"',
    "two\nlines",
    "a\r\nb",
    "a\rb",
    "a\u2028b",
    "a\x85b",
    "\x0b",
    " ",
    "é",
)


@given(st.lists(st.tuples(CELL, CELL, CELL)))
def test_every_text_comes_back(rows: list[tuple[str, str, str]]) -> None:
    columns = ("id", "group", "why")
    text = table_text(columns, rows)
    assert parse_table(text.encode()) == [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.mark.parametrize("cell", AWKWARD)
def test_awkward_cells_come_back_from_a_file(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(table_text(("id", "split"), [(cell, "test"), ("b", "val")]).encode())
    assert [row["id"] for row in read_table(path)] == [cell, "b"]


@given(st.lists(st.fixed_dictionaries({}, optional={"a": CELL, "b": st.none() | st.floats()})))
def test_the_bytes_are_those_of_the_standard_writer(rows: list[dict[str, object]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, ("a", "b"), restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        b = row.get("b")
        empty = b is None or (isinstance(b, float) and math.isnan(b))
        writer.writerow({**row, "b": "" if empty else b})
    if "\r" not in out.getvalue():  # which it leaves without quotes, as no reader takes it
        assert table_text(("a", "b"), rows) == out.getvalue()


def test_undefined_and_missing_values_are_empty_cells() -> None:
    rows: list[Row] = [{"a": None, "b": math.nan, "c": 0}, {"b": 0.5, "c": "x"}]
    assert table_text(("a", "b", "c"), rows) == "a,b,c\n,,0\n,0.5,x\n"
    assert row_text((None, math.nan, True)) == ",,True\n"


def test_rows_that_do_not_fit_the_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="extra"):
        table_text(("id",), [{"id": "a", "extra": 1}])
    unfit: list[list[Row]] = [[("a",)], [("a", "b", "c")]]
    for rows in unfit:
        with pytest.raises(ValueError, match="argument 2"):
            table_text(("id", "split"), rows)


def test_short_and_long_rows_blank_lines_and_a_byte_order_mark() -> None:
    content = b"\xef\xbb\xbfid,split,\r\na\r\n\r\nb,test,cell,more\r\n"
    assert parse_rows(content) == [
        ["id", "split", ""],
        ["a"],
        ["b", "test", "cell", "more"],
    ]
    assert parse_table(content) == [{"id": "a", "split": ""}, {"id": "b", "split": "test"}]
    assert parse_table(b"") == parse_table(b"id,split\n") == []


def test_what_is_no_table_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        parse_table(b"id\n\xff\n")
    assert parse_table(b"id\n\xff\n", errors="replace") == [{"id": "\ufffd"}]
    with pytest.raises(ValueError, match="field larger"):
        parse_table(b"id\n" + b"x" * (csv.field_size_limit() + 1))
