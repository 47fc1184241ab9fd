"""Which files predict reads, where folders are linked in circles and names are odd."""

import os
import zipfile
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.inference.inputs import check_output, find_inputs
from tests.data.archive_files import tar
from tests.imaging.dicom_files import dicom, ramp


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "[in] 1"
    for name in ("a.png", "one/b.png", "one/two/c.tif", ".hidden/d.png", "one/.e.png", "f.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def found(given: str, root: Path) -> list[str]:
    return [str(one.path.relative_to(root)) for one in find_inputs(given)[0]]


def test_patterns_of_any_depth(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    for pattern, expected in {
        "**/*.png": ["a.png", "one/b.png"],
        "**": ["a.png", "one/b.png", "one/two/c.tif"],
        "*/**/*.*": ["one/b.png", "one/two/c.tif"],
        "**/two/*": ["one/two/c.tif"],
        "**/one/**/*.tif": ["one/two/c.tif"],
        "one/*": ["one/b.png"],
    }.items():
        assert [str(one) for one in find_inputs(pattern)[0]] == expected, pattern
    assert found(f"{tree.parent}/*/**/*.png", tree) == ["a.png", "one/b.png"]


def test_circles_of_links_end(tree: Path) -> None:
    for name in ("x", "y", "z"):
        (tree / name).symlink_to(tree)
        (tree / "one" / name).symlink_to(tree / "one" / "two")
    assert len(found(f"{tree.parent}/*/**/*.tif", tree)) == 1


def test_a_pipe_is_no_image(tree: Path) -> None:
    os.mkfifo(tree / "pipe.png")
    assert found(str(tree), tree) == ["a.png"]


def test_a_name_that_no_table_could_hold(tree: Path) -> None:
    (tree / os.fsdecode(b"\xe4.png")).write_bytes(b"x")
    with pytest.raises(SegkitError, match="UTF-8") as caught:
        find_inputs(str(tree))
    assert caught.value.where.endswith(r"\udce4.png")


@pytest.mark.parametrize("given", ["~nobody-of-this-name/a.png", "x" * 5000, "a\0b.png"])
def test_what_is_no_path(given: str) -> None:
    with pytest.raises(SegkitError) as caught:
        find_inputs(given)
    assert given[:20] in caught.value.where


def write(root: Path, *names: str) -> Path:
    """Files of one byte, in a folder or in a zip."""
    if root.suffix == ".zip":
        with zipfile.ZipFile(root, "w") as archive:
            for name in names:
                archive.writestr(name, b"x")
    for name in names if root.suffix != ".zip" else ():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


LAYOUTS: list[tuple[list[str], list[str], str]] = [
    (["images/a.tif", "masks/a.png", "images/b.png", "x.csv"], ["a", "b"], "passed over: 1 .csv"),
    (["x/1/images/a.png", "x/2/images/a.png", "x/1/masks/a.png"], ["1/a", "2/a"], ""),
    (["x/images/1/a.png", "x/images/2/a.png", "x/images/b.png"], ["1/a", "2/a", "b"], ""),
    (["colours/images/a.png", "images/a.png"], ["a", "colours_/a"], ""),
    (["one/images/one.png", "one/masks/1.png", "two/images/two.png"], ["one", "two"], ""),
]


@pytest.mark.parametrize(("names", "called", "others"), LAYOUTS)
@pytest.mark.parametrize("kind", ["mydata", "mydata.zip"])
def test_as_training_lays_it_out(
    tmp_path: Path, kind: str, names: list[str], called: list[str], others: str
) -> None:
    found, said = find_inputs(str(write(tmp_path / kind, *names)))
    assert sorted(one.name for one in found) == called
    assert said == others


def test_a_folder_with_images_of_its_own_is_not_searched(tmp_path: Path) -> None:
    root = write(tmp_path / "in", "a.png", "images/b.png", "scan.nrrd", "c.webp", ".d.json")
    found, said = find_inputs(str(root))
    assert [one.name for one in found] == ["a"]
    assert said == "passed over: 1 .webp, 1 .nrrd"


def test_a_folder_of_folders_of_images_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in", "my photos/a.png", "my photos/b.png", "more/c.tif", "list.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SegkitError) as caught:
        find_inputs("in")
    ways = "name the folder that holds the images: 'input=in/my photos' or input=in/more; "
    assert caught.value.remedy.startswith(ways)
    assert [one.name for one in find_inputs("in/my photos")[0]] == ["a", "b"]


def test_a_folder_that_holds_only_an_archive(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.zip", "images/b.png")
    assert [str(one) for one in find_inputs(str(tmp_path / "in"))[0]] == [
        str(tmp_path / "in" / "a.zip" / "images" / "b.png")
    ]


def test_any_images_of_an_archive(tmp_path: Path) -> None:
    root = write(
        tmp_path / "a.ZIP".lower(), "a.png", "b/c.jpg", "masks/a.png", "d.nrrd", "__MACOSX/a.png"
    )
    found, said = find_inputs(str(root))
    assert [one.name for one in found] == ["a", "c"]
    assert said == "passed over: 1 .nrrd"


def test_members_lead_nowhere_else(tmp_path: Path) -> None:
    """Their names become those of files; what leads upwards is not even listed."""
    unsafe = ["../../a.png", "/etc/a.png", "b/../../../c.png", "..\\..\\d.png", "e\n/f.png"]
    found, _ = find_inputs(str(write(tmp_path / "a.zip", *unsafe)))
    assert sorted(one.name for one in found) == ["a", "f"]
    assert all(one.path.is_relative_to(tmp_path / "a.zip") for one in found)
    assert "\n" not in "".join(map(str, found))


@pytest.mark.parametrize("names", [["a.nrrd", "b/c.json"], ["masks/a.png"], []])
def test_an_archive_without_images(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(SegkitError, match=f"no image among {len(names)} files") as caught:
        find_inputs(str(write(tmp_path / "a.zip", *names)))
    assert ("1 .nrrd, 1 .json" in caught.value.what) == ("a.nrrd" in names)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_masks_in_other_layouts_are_no_images(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    names = ["b/x (1).png", "b/x (1)_mask.png", "b/x (1)_mask_1.png", "b/read me.txt"]
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        write(path, *names)
    else:
        path.write_bytes(tar(dict.fromkeys(names, b""), "w:gz"))
    found, rest = find_inputs(str(path))
    assert [str(image) for image in found] == [f"{path}/b/x (1).png"]
    assert rest == "passed over: 1 .txt"


def test_an_archive_that_is_packed_otherwise_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\0\4")
    with pytest.raises(SegkitError, match="a 7z archive") as caught:
        find_inputs(str(tmp_path / "a.7z"))
    assert f"set input={tmp_path / 'a'}" in caught.value.remedy
    assert caught.value.where == f"input={tmp_path / 'a.7z'}"


def test_an_archive_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK no more")
    with pytest.raises(SegkitError, match="whole zip or tar") as caught:
        find_inputs(str(tmp_path / "a.zip"))
    assert "dataset.root" not in str(caught.value)


def test_an_input_is_not_written_over_by_a_name_with_folders(tmp_path: Path) -> None:
    root = write(tmp_path / "in", "x/images/1/a.png", "x/images/2/a.png")
    found, _ = find_inputs(str(root))
    check_output(found, tmp_path / "out")
    with pytest.raises(SegkitError, match="overwritten"):
        check_output(found, root / "x" / "images")


def test_an_export_of_a_scanner_without_suffixes(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    for name in ("IM0001", "1.2.840.5", "1.2.840.6"):
        (root / name).write_bytes(dicom(ramp(0, 9)))
    (root / "DICOMDIR").write_bytes(dicom(None, storage="1.2.840.10008.1.3.10"))
    (root / "README").write_bytes(b"x")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in root.iterdir():
            archive.write(path, f"DICOM/{path.name}")
    for place in (root, tmp_path / "a.zip"):
        found, said = find_inputs(str(place))
        assert sorted(one.name for one in found) == ["1.2.840.5", "1.2.840.6", "IM0001"]
        assert "1 DICOM without pixels (Media Storage Directory Storage)" in said
        assert "1 without a suffix" in said
        assert all(one.open(10**6).size == (16, 16) for one in found)
    mixed = write(tmp_path / "mixed", "a.png", "IM0001")
    assert [one.name for one in find_inputs(str(mixed))[0]] == ["a"]


def test_files_are_called_by_the_stem(tmp_path: Path) -> None:
    for name in ("a.ome.tif", "B.OME.TIFF", "c.d.png"):
        (tmp_path / name).write_bytes(b"")
    found, _ = find_inputs(str(tmp_path))
    assert [one.name for one in found] == ["B.OME", "a.ome", "c.d"]
    assert [one.name for one in found] == [one.path.stem for one in found], "as scripts look for"
