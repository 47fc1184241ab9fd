"""An audit of twelve phantoms, and its tables, pictures and report."""

import csv
import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segkit.audit.audit import Audit, _watch, audit
from segkit.audit.charts import charts
from segkit.audit.duplicates import Pair
from segkit.audit.findings import Finding, Use
from segkit.audit.page import report
from segkit.audit.pictures import contact_sheet, pair_pictures, worst_pairs
from segkit.audit.tables import by_kind, ranges, records_csv, show, split_table
from segkit.core.contracts import Listing
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.splits import SplitSpec
from segkit.imaging.pixels import decode

CLASSES = ("background", "nucleus")


@pytest.fixture(scope="module")
def reader(phantom_root: Path) -> Dsb2018:
    return Dsb2018(phantom_root)


@pytest.fixture(scope="module")
def found(reader: Dsb2018) -> Audit:
    return audit(reader, Use(CLASSES, (64, 64), None, skip=False), SplitSpec())


def finding(severity: str, kind: str, where: str) -> Finding:
    return Finding(severity, kind, "what", where, "remedy")  # type: ignore[arg-type]


def test_the_verdict_counts(found: Audit) -> None:
    # Twelve images leave two to validate and two to test.
    assert found.verdict == "Fit to train on, with 2 warnings"
    assert [(f.kind, f.where) for f in found.findings] == [
        ("small splits", "val"),
        ("small splits", "test"),
    ]
    worse = replace(found, findings=[finding("error", "k", "a"), *found.findings])
    assert worse.verdict == "Do not train on it yet: 1 error, 2 warnings"
    assert replace(found, findings=[]).verdict == "Fit to train on: nothing wrong was found"


def test_a_published_split_that_leaks_is_shown_as_it_is(reader: Dsb2018) -> None:
    class Leaky(Dsb2018):
        def scan(self) -> Listing:
            records = super().scan().records
            parts = ["train"] * 6 + ["val"] * 3 + ["test"] * 3
            groups = ["g0", *(record.id for record in records[1:-1]), "g0"]
            return Listing(
                [
                    replace(record, split=part, group=group)
                    for record, part, group in zip(records, parts, groups, strict=True)
                ],
                [],
            )

    leaky = audit(Leaky(reader.root), Use(CLASSES, (64, 64), None, skip=False), SplitSpec())
    errors = [(f.kind, f.where) for f in leaky.findings if f.severity == "error"]
    assert errors == [("groups in two splits", "g0")]
    assert [leaky.splits[r.id] for r in leaky.records] == ["train"] * 6 + ["val"] * 3 + ["test"] * 3
    assert leaky.clean is not None
    assert list(leaky.clean.values()) == ["train"] * 6 + ["val"] * 3 + ["test"] * 2 + ["train"]


def test_a_leak_is_found_behind_an_unlabelled_copy(reader: Dsb2018, tmp_path: Path) -> None:
    class Partly(Dsb2018):
        """Without the first record's masks; the other parts are published."""

        def scan(self) -> Listing:
            first, *others = super().scan().records
            parts = ["train"] * 6 + ["val"] * 2 + ["test"] * 3
            records = [replace(r, split=s) for r, s in zip(others, parts, strict=True)]
            return Listing([replace(first, masks=()), *records], [])

    root = Path(shutil.copytree(reader.root, tmp_path / "data"))
    names = [record.image for record in Partly(root).listing().records]
    for name in (names[1], names[-1]):
        shutil.copy(root / names[0], root / name)
    leaky = audit(Partly(root), Use(CLASSES, (64, 64), None, skip=False), SplitSpec())
    assert leaky.splits[leaky.records[0].id] == "unlabelled"
    (error,) = (f for f in leaky.findings if f.severity == "error")
    assert error.kind == "copies in two splits"
    assert error.where == f"{names[1]} (train) and {names[-1]} (test)"
    assert leaky.clean is not None
    assert leaky.clean[leaky.records[-1].id] == "train"


def test_many_records_are_compared_with_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(_watch(range(10))) == list(range(10))
    assert capsys.readouterr().err == ""
    assert list(_watch(range(2000))) == list(range(2000))
    assert "comparing" in capsys.readouterr().err


def test_a_split_that_cannot_be_drawn_is_an_error(reader: Dsb2018) -> None:
    use = Use(CLASSES, (64, 64), None, skip=False)
    undrawn = audit(reader, use, SplitSpec(folds=13))
    assert undrawn.findings[0].kind == "no split"
    assert "13 parts" in undrawn.findings[0].what
    assert set(undrawn.splits.values()) == {""}
    header, rows = split_table(undrawn)
    assert [row[:3] for row in rows if row[0]] == [["no split", "all", 12]]
    assert len(contact_sheet(reader, undrawn)) == 12
    assert undrawn.clean is None
    assert "images" in header


def test_the_split_table_adds_up(found: Audit) -> None:
    header, rows = split_table(found)
    assert header[:5] == ["split", "stratum", "images", "groups", "with nucleus"]
    images = {str(row[0]): row[2] for row in rows if row[0]}
    assert images == {"train": 8, "val": 2, "test": 2}
    position = header.index("objects")
    objects = [row[position] for row in rows if row[0]]
    assert sum(int(str(n)) for n in objects) == sum(fact.objects or 0 for fact in found.facts)


def test_records_csv_has_a_row_a_record(found: Audit) -> None:
    rows = list(csv.DictReader(io.StringIO(records_csv(found))))
    assert [row["id"] for row in rows] == [record.id for record in found.records]
    assert {row["split"] for row in rows} == {"train", "val", "test"}
    assert all(len(row["mean"].split()) == 3 for row in rows)  # alpha left out


def test_the_ranges_name_what_there_is(found: Audit) -> None:
    told = dict(ranges(found))
    assert told["pixels"] == "64×64 (12)"
    assert told["stored as"] == "PNG (12); uint8 (12)"
    assert "12 images" in told["reading"]
    assert ranges(replace(found, facts=[])) == []


def test_the_terminal_shows_the_first_of_each_kind(
    found: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [finding("note", "many", f"file[{n}].png") for n in range(5)]
    audit = replace(found, findings=[*many, finding("error", "one", "x.png")], clean={})
    show(audit, "title", "my out")
    said = capsys.readouterr().out
    assert said.index("error: one (1)") < said.index("note: many (5)")
    assert "file[2].png: what" in said  # not taken for markup
    assert "file[3].png" not in said
    assert "… and 2 more in problems.csv" in said
    assert "report: my out/report.html" in said
    assert "'dataset.split.file=my out/split.csv'" in said


def test_findings_are_grouped_with_the_worst_first() -> None:
    groups = by_kind(
        [finding("note", "a", "1"), finding("error", "b", "2"), finding("note", "a", "3")]
    )
    assert [[f.where for f in group] for group in groups] == [["2"], ["1", "3"]]


def test_the_charts_are_one_picture(found: Audit) -> None:
    picture = decode(charts(found), "charts.png")
    assert picture.shape[:2] == (720, 1320)
    assert len(np.unique(picture)) > 10


def test_the_contact_sheet_shows_every_split_once(found: Audit, reader: Dsb2018) -> None:
    shown = contact_sheet(reader, found)
    assert len(shown) == 12
    assert len({one.caption for one in shown}) == 12
    assert [one.caption.split(", ")[1] for one in shown] == ["train"] * 8 + ["val"] * 2 + [
        "test"
    ] * 2
    assert all(one.data[8:12] == b"WEBP" for one in shown)


def test_pairs_across_splits_come_first(found: Audit, reader: Dsb2018) -> None:
    position = {split: [] for split in ("train", "val", "test")}  # type: dict[str, list[int]]
    for index, record in enumerate(found.records):
        position[found.splits[record.id]].append(index)
    train, test = position["train"], position["test"]
    inside = Pair(train[0], train[1], exact=True, correlation=1)
    across = Pair(train[0], test[0], exact=False, correlation=0.96)
    with_pairs = replace(found, pairs=[inside, across])
    assert worst_pairs(with_pairs, 2) == [across, inside]
    assert worst_pairs(with_pairs, 1) == [across]
    ((one, other, alike),) = pair_pictures(reader, with_pairs, [across])
    assert (one.caption.split(", ")[1], other.caption.split(", ")[1]) == ("train", "test")
    assert alike == "correlation 0.960"


def test_a_data_set_in_which_nothing_can_be_read_has_a_report(
    found: Audit, reader: Dsb2018
) -> None:
    nothing = replace(found, facts=[], splits={}, findings=[finding("error", "<k>", "<a>.png")])
    page = report(nothing, reader, "title", "subtitle")
    assert "Nothing to train on, no record has a mask that can be used: 1 error" in page
    assert "&lt;a&gt;.png" in page
    assert "<img" not in page


def test_names_are_words_wherever_they_stand(found: Audit, reader: Dsb2018) -> None:
    script = "<script>alert('x')</script>"
    facts = [
        replace(f, record=replace(f.record, id=f"<script>{n}", stratum=script), format=script)
        for n, f in enumerate(found.facts)
    ]
    hostile = replace(
        found,
        classes=("background", script),
        facts=facts,
        splits={fact.record.id: "train" for fact in facts},
        pairs=[Pair(0, 1, exact=True, correlation=1)],
        findings=[Finding("error", script, script, script, script)],
    )
    page = report(hostile, reader, script, script)
    assert page.count("<script") == 1  # the page's own
    for heading in ("Splits", "Problems", "Images with their masks", "Copies", "Records"):
        start = page.index(f"<h2>{heading}</h2>")
        assert "&lt;script&gt;" in page[start : page.index("</section>", start)]
    assert page.index("&lt;script&gt;") < page.index("</title>")


def test_many_findings_are_cut_short(found: Audit, reader: Dsb2018) -> None:
    many = [finding("note", "many", f"file_{n:04d}.png") for n in range(600)]
    page = report(replace(found, facts=[], splits={}, findings=many), reader, "t", "s")
    assert "file_0499.png" in page
    assert "file_0500.png" not in page
    assert "and 100 more in problems.csv" in page
