"""``split.csv``: written, read back, and refused where it does not fit."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from segkit.core.contracts import Record
from segkit.core.errors import SegkitError
from segkit.data.split_file import read_split, regrouped, split_hash, split_table
from segkit.data.splits import SplitSpec, assign_splits

# What names of files and patients may hold.
ODD = ('a,b/"c"', " leading", "ünï/×", "line\nbreak", "sep\u2028arated", "form\x0cfeed", "'=1+1")


def records(*ids: str) -> list[Record]:
    return [Record(id_, f"g{id_}", "i.png", ("m.png",), stratum=f"s{id_}") for id_ in ids]


def save(folder: Path, text: str) -> Path:
    path = folder / "split.csv"
    path.write_bytes(text.encode())
    return path


def test_the_table_is_plain_csv_in_the_order_of_the_records() -> None:
    table = split_table(records("b", "a"), {"a": "train", "b": "val", "other": "test"})
    assert table == "id,group,split,stratum\nb,gb,val,sb\na,ga,train,sa\n"


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    known = records(*ODD, *map(str, range(20)))
    splits = assign_splits(known, SplitSpec(stratify=False))
    path = save(tmp_path, split_table(known, splits))
    assert read_split(path, known) == splits
    again = assign_splits(known[::-1], SplitSpec(file=str(path), seed=99))
    assert again == splits
    assert split_table(known, again) == path.read_bytes().decode()
    with path.open(newline="", encoding="utf-8") as stream:
        assert [row["group"] for row in csv.DictReader(stream)] == [r.group for r in known]


def test_a_table_that_passed_through_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = save(tmp_path, "\ufeffid,group,split,stratum\r\na,ga,train,\r\nb,gb,val,\r\n\r\n")
    assert read_split(path, records("a", "b")) == {"a": "train", "b": "val"}


def test_the_hash_is_sha256_of_the_table() -> None:
    table = split_table(records("a"), {"a": "train"})
    assert split_hash(table) == hashlib.sha256(table.encode()).hexdigest()[:12]
    assert split_hash(table) != split_hash(split_table(records("a"), {"a": "val"}))


def test_records_that_are_gone_are_allowed(tmp_path: Path) -> None:
    path = save(tmp_path, "id,split\na,train\nb,val\ngone,test\n")
    assert read_split(path, records("b", "a")) == {"a": "train", "b": "val"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not a split file"),
        ("id,split\n", "not a split file"),
        ("id;split\na;train\n", "not a split file"),
        ("name,split\na,train\n", "not a split file"),
        ("id,split\na,train\n", "1 records are not in the split file, the first is 'b'"),
        ("id,split\na,train\nb,validation\n", "unknown splits 'validation'"),
        ("id,split\na,train\nb\n", "unknown splits ''"),
        ("id,split\na\nb,holdout\n", "unknown splits '', 'holdout'"),
        ("id,split\na,train\nb,val\na,test\n", "'a' is named twice"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = save(tmp_path, text)
    with pytest.raises(SegkitError, match=what) as caught:
        read_split(path, records("a", "b"))
    assert caught.value.where == f"dataset.split.file={path}"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"id,split\n\xff\xfe,train\n")
    (tmp_path / "nul.csv").write_bytes(b"id,split\n" + b'"' + b"x" * 200_000 + b"\n")
    for name in ("missing.csv", "binary.csv", "nul.csv", "."):
        with pytest.raises(SegkitError, match="cannot be read"):
            read_split(tmp_path / name, records("a"))


def test_a_home_folder_may_be_abbreviated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "id,split\na,train\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_split(Path("~/split.csv"), records("a")) == {"a": "train"}


def test_groups_are_read_back_too(tmp_path: Path) -> None:
    before = [*records(*ODD), Record("bare", "patient", "i.png")]
    splits = {**dict.fromkeys(ODD, "train"), "bare": "unlabelled"}
    path = save(tmp_path, split_table(before, splits))
    now = [replace(record, group="field") for record in before]
    assert regrouped(now, str(path)) == before


@pytest.mark.parametrize("text", ["id,split\na,train\n", "id,group,split\na,,train\n"])
def test_a_table_without_groups_leaves_them_as_they_are(tmp_path: Path, text: str) -> None:
    known = records("a", "gone")
    assert regrouped(known, str(save(tmp_path, text))) == known
