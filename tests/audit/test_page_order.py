"""The report of a check: what is wrong stands on top, and tables can be sorted."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from segkit.audit.audit import Audit, audit
from segkit.audit.duplicates import Pair
from segkit.audit.findings import Use
from segkit.audit.page import report
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.splits import SplitSpec


@pytest.fixture(scope="module")
def reader(phantom_root: Path) -> Dsb2018:
    return Dsb2018(phantom_root)


@pytest.fixture(scope="module")
def found(reader: Dsb2018) -> Audit:
    use = Use(("background", "nucleus"), (64, 64), None, skip=False)
    return audit(reader, use, SplitSpec())


def test_what_is_wrong_stands_before_what_there_is(found: Audit, reader: Dsb2018) -> None:
    pairs = [Pair(0, 1, exact=True, correlation=1)]
    page = report(replace(found, pairs=pairs), reader, "title", "subtitle", b"augmented")
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Problems",
        "Copies",
        "Images with their masks",
        "Splits",
        "Distributions",
        "Augmentation",
        "Records",
    ]


def test_findings_and_records_can_be_sorted_and_splits_stay_with_their_strata(
    found: Audit, reader: Dsb2018
) -> None:
    page = report(found, reader, "title", "subtitle")
    tables = re.findall(r"<table( class=\"sortable\")?><thead><tr><th[^>]*>(.*?)</th>", page)
    assert [(heading, bool(sortable)) for sortable, heading in tables] == [
        ("what", True),
        ("split", False),
        ("", False),
        ("id", True),
    ]
