"""What was not read is counted and named in one short line."""

from pathlib import Path

import pytest

from segkit.data.passed_over import passed_over
from segkit.data.readers.folder import Folder


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a.nrrd"] * 12 + ["b/c.JSON"], "passed over: 12 .nrrd, 1 .json"),
        (["README", "x/LICENSE"], "passed over: 2 without a suffix"),
        (["DICOMDIR", "x/LICENSE"], "passed over: 1 DICOMDIR, 1 without a suffix"),
        (["a.\x1b[31m", "b.ä", "c." + "x" * 99], "passed over: 3 .…"),
        (
            [f"slice.{n}" for n in range(1000)],
            "passed over: 1 .0, 1 .1, 1 .2, 1 .3, 1 .4, 995 others",
        ),
    ],
)
def test_the_line(names: list[str], said: str) -> None:
    assert passed_over(names) == said


def test_of_a_data_set_it_is_what_belongs_to_no_record(tmp_path: Path) -> None:
    for name in (
        *("images/a.png", "masks/a.png", "images/b.png", "images/scan.nrrd", "notes/c.json"),
        *("README.md", "images/Thumbs.db", ".DS_Store", "extra/d.webp", "extra/e.webp"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    reader = Folder(tmp_path, classes=["background", "a"])
    assert [problem.where for problem in reader.listing().problems] == ["images/b.png"]
    assert reader.passed_over() == "passed over: 2 .webp, 1 .md, 1 .nrrd, 1 .json"


def test_a_table_that_was_read_is_not_passed_over(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "notes.csv"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "table.csv").write_text("image,mask\na.png,b.png\n", "utf-8")
    reader = Folder(tmp_path, classes=["background", "a"], manifest="table.csv")
    assert reader.passed_over() == "passed over: 1 .csv"
