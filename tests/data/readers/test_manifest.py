"""Data sets listed in a CSV table."""

import shutil
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.contracts import Listing
from segkit.core.errors import SegkitError
from segkit.data.readers.folder import Folder
from tests.data.readers.folder_files import IMAGE, SHAPE, TWO, save


def table(root: Path, text: str) -> Folder:
    """Images a, b and masks a, b, b2, with a manifest."""
    for name in ("a", "b"):
        save(root / "i" / f"{name}.png", IMAGE)
        save(root / "m" / f"{name}.png", SHAPE * 255)
    save(root / "m" / "b2.png", np.flip(SHAPE * 255, axis=1))
    (root / "list.csv").write_text(text, encoding="utf-8")
    return Folder(root, classes=TWO, manifest="list.csv")


def ids(found: Listing) -> list[str]:
    return [record.id for record in found.records]


def whats(found: Listing) -> list[tuple[str, str]]:
    return [(problem.where, problem.what) for problem in found.problems]


def test_a_table_lists_records(tmp_path: Path) -> None:
    reader = table(
        tmp_path,
        "\ufeffImage, Mask,id,group,split,stratum,age\n"
        "i\\a.png,m/a.png,one,p1,train,old,61\n"
        "./i/b.png,m/b.png; m/b2.png,,,Valid,,\n",
    )
    found = reader.listing()
    assert found.problems == []
    one, b = found.records
    assert (one.id, one.group, one.split, one.stratum) == ("one", "p1", "train", "old")
    assert (one.image, one.masks, dict(one.facts)) == ("i/a.png", ("m/a.png",), {"age": "61"})
    assert (b.id, b.group, b.split, b.masks) == ("i/b", "i/b", "val", ("m/b.png", "m/b2.png"))
    np.testing.assert_array_equal(reader.read(b).mask, SHAPE | np.flip(SHAPE, axis=1))


def test_a_table_may_lie_in_a_zip_or_elsewhere(tmp_path: Path) -> None:
    root = tmp_path / "data"
    inside = table(root, "image,mask\ni/a.png,m/a.png\n").listing()
    (tmp_path / "other.csv").write_text("image,mask\ni/a.png,m/a.png\n")
    archive = shutil.make_archive(str(root), "zip", root)
    for manifest in ("list.csv", str(tmp_path / "other.csv")):
        assert Folder(archive, classes=TWO, manifest=manifest).listing() == inside


def test_a_table_with_a_group_pattern(tmp_path: Path) -> None:
    table(tmp_path, "image,mask,group\ni/a.png,m/a.png,p9\ni/b.png,m/b.png,\n")
    reader = Folder(tmp_path, classes=TWO, manifest="list.csv", group_pattern="i/(.)")
    assert [record.group for record in reader.listing().records] == ["p9", "b"]


def test_one_image_under_two_ids_stays_one_group(tmp_path: Path) -> None:
    text = "id,image,mask\nrater1,i/b.png,m/b.png\nrater2,i/b.png,m/b2.png\n"
    found = table(tmp_path, text).listing()
    assert ids(found) == ["rater1", "rater2"]
    assert {record.group for record in found.records} == {"i/b"}


def test_rows_that_cannot_be_used_are_problems(tmp_path: Path) -> None:
    text = "image,mask\ni/a.png,m/a.png\ni/x.png,m/b.png;m/y.png\ni/b.png,\n,m/b.png\n"
    found = table(tmp_path, text).listing()
    assert ids(found) == ["i/a"]
    assert whats(found) == [
        ("list.csv, line 3: i/x.png", "a file that is not there"),
        ("list.csv, line 3: m/y.png", "a file that is not there"),
        ("list.csv, line 4: i/b.png", "an image without a mask"),
        ("list.csv, line 5", "a row without an image"),
    ]


def test_a_table_without_any_mask_is_there_to_be_predicted(tmp_path: Path) -> None:
    found = table(tmp_path, "image,mask\ni/a.png,\ni/b.png\n").listing()
    assert (ids(found), found.problems) == (["i/a", "i/b"], [])


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("image,masks\ni/a.png,m/a.png\n", "no column 'mask'", "did you mean 'masks'"),
        ("image:mask\ni/a.png:m/a.png\n", "no column 'image'", "parted by commas"),
        ("image;mask\ni/a.png;m/a.png;m/b.png\n", "3 cells under 2 columns", "quotes"),
        ("", "an empty table", "image and mask"),
        ("image,mask,mask\n", "'mask' stands there twice", "image and mask"),
        ("image,mask\ni/a.png,m/a.png,more\n", "3 cells under 2 columns", "quotes"),
        ('image,mask\n"i/a.png,m/a.png\n', "cannot be read", "UTF-8"),
        ("image,mask\ni/a.png,m/a.png\ni/a.png,m/b.png\n", "lines 2 and 3", "id column"),
        ("image,mask,split\ni/a.png,m/a.png,trian\n", "'trian' is not a split", "'train'"),
        ("image,mask\n../a.png,m/a.png\n", "leads out", "relative to dataset.root"),
        ("image,mask\ni/a.png,m/../../a.png\n", "leads out", "relative to dataset.root"),
        ("image,mask\n/etc/hostname,m/a.png\n", "leads out", "relative to dataset.root"),
        ("image,mask\nC:\\a.png,m/a.png\n", "leads out", "relative to dataset.root"),
        ("image,mask\n..\\a.png,m/a.png\n", "leads out", "relative to dataset.root"),
    ],
)
def test_a_table_that_is_wrong(tmp_path: Path, text: str, what: str, remedy: str) -> None:
    with pytest.raises(SegkitError, match=what) as caught:
        table(tmp_path, text).listing()
    assert caught.value.where.startswith("list.csv")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("mark", ",;\t")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_table_as_a_spreadsheet_saves_it(tmp_path: Path, mark: str, encoding: str) -> None:
    reader = table(tmp_path, "")
    rows = [["Image", "MASK", "age, or so"], ["i/a.png", "m/a.png", "ä"]]
    rows.append(["i/b.png", '"m/b.png;m/b2.png"', ""])
    text = "\ufeff" * (encoding == "utf-16-be") + "\r\n".join(
        mark.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows
    )
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    one, two = reader.listing().records
    assert (one.masks, dict(one.facts)) == (("m/a.png",), {"age, or so": "ä"})
    assert two.masks == ("m/b.png", "m/b2.png")


def test_absolute_paths_inside_the_root(tmp_path: Path) -> None:
    table(tmp_path / "set", "")
    (tmp_path / "link").symlink_to("set")
    for root, named in (("set", "set"), ("link", "link"), ("link", "set")):
        text = f"image,mask\n{tmp_path / named}/i/a.png,{tmp_path / named}/m/a.png\n"
        (tmp_path / "set" / "list.csv").write_text(text)
        reader = Folder(tmp_path / root, classes=TWO, manifest="list.csv")
        (record,) = reader.listing().records
        assert (record.id, record.image, record.masks) == ("i/a", "i/a.png", ("m/a.png",))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_of_a_mac(tmp_path: Path, form: Any) -> None:
    """The files are opened by the names that they have."""
    other: Any = "NFD" if form == "NFC" else "NFC"
    image, mask = (unicodedata.normalize(form, f"Säule/{name}é.png") for name in "im")
    save(tmp_path / image, IMAGE)
    save(tmp_path / mask, SHAPE)
    text = unicodedata.normalize(other, f"image,mask\n{image},{mask}\n")
    (tmp_path / "Liste ü.csv").write_text(text)
    named = unicodedata.normalize("NFD", "Liste ü.csv")
    reader = Folder(tmp_path, classes=TWO, manifest=named)
    (record,) = reader.listing().records
    assert (record.image, record.masks) == (image, (mask,))
    np.testing.assert_array_equal(reader.read(record).mask, SHAPE)


def test_a_table_in_another_encoding_or_place(tmp_path: Path) -> None:
    reader = table(tmp_path, "image,mask\n")
    (tmp_path / "list.csv").write_bytes(b"image,mask\n\xe9.png,a.png\n")
    with pytest.raises(SegkitError, match="cannot be read"):
        reader.listing()
    with pytest.raises(SegkitError, match="manifest is not there") as caught:
        Folder(tmp_path, classes=TWO, manifest="lsit.csv").listing()
    assert "did you mean 'list.csv'" in caught.value.remedy


@pytest.mark.parametrize("cell", [".", "./", "/", "..", "i/../../a.png"])
def test_a_cell_that_names_no_file(tmp_path: Path, cell: str) -> None:
    with pytest.raises(SegkitError, match=r"leads out of the data set, or to no file") as caught:
        table(tmp_path, f"image,mask\n{cell},m/a.png\n").listing()
    assert caught.value.where == "list.csv, line 2"


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    text = 'image,mask,note\n\n\ni/a.png,m/a.png,"two\nlines"\n\ni/x.png,m/b.png,\n'
    assert whats(table(tmp_path, text).listing()) == [
        ("list.csv, line 7: i/x.png", "a file that is not there")
    ]


def test_very_many_columns(tmp_path: Path) -> None:
    names = ",".join(f"c{number}" for number in range(50_000))
    found = table(tmp_path, f"image,mask,{names}\ni/a.png,m/a.png\n").listing()
    assert len(found.records[0].facts) == 50_000
    with pytest.raises(SegkitError, match="'c1' stands there twice"):
        table(tmp_path, f"image,mask,{names},c1\n").listing()


def test_a_path_on_disk_that_cannot_be_one(tmp_path: Path) -> None:
    table(tmp_path, "image,mask\n")
    for name in ("x" * 5000, "~nobody-of-this-name/t.csv", str(tmp_path)):
        with pytest.raises(SegkitError):
            Folder(tmp_path, classes=TWO, manifest=name).listing()


@pytest.mark.parametrize("text", ["image,mask\ni/a.png,m/a.png\n", "Image;Mask\ni/a.png;m/a.png\n"])
def test_a_table_that_was_not_named_is_proposed(tmp_path: Path, text: str) -> None:
    table(tmp_path, text)
    (tmp_path / "notes.csv").write_text("when,what\ntoday,nothing\n", "utf-8")
    with pytest.raises(SegkitError) as caught:
        Folder(tmp_path, classes=TWO).listing()
    assert "dataset.manifest=list.csv; " in caught.value.remedy
    assert "notes.csv" not in caught.value.remedy
    assert ids(Folder(tmp_path, classes=TWO, manifest="list.csv").listing()) == ["i/a"]
