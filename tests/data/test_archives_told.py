"""Archives that are not read in place: what they are, and a command that unpacks them."""

import re
import shlex
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.archives import open_source
from segkit.data.readers.folder import Folder
from tests.data.archive_files import packed_by, tar, windows_zip
from tests.data.mask_files import bars, png
from tests.data.trees import placed

PAIR = {"images/a.png": png(bars(7)), "masks/a.png": png(bars(0, 255))}
TWO = ("background", "foreground")


def told(root: Path) -> SegkitError:
    with pytest.raises(SegkitError) as caught:
        Folder(root, classes=TWO).listing()
    return caught.value


@pytest.mark.parametrize(("system", "slash"), [(0, False), (3, False), (0, True)])
def test_backslashes_of_old_windows_tools_part_folders(
    tmp_path: Path, system: int, slash: bool
) -> None:
    path = windows_zip(
        tmp_path / "a.zip", {f"set/{name}": data for name, data in PAIR.items()}, system
    )
    if slash:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("set/read me.txt", b"")
    reader = Folder(path, classes=TWO)
    (record,) = reader.listing().records
    assert (record.id, record.image) == ("a", "set/images/a.png")
    np.testing.assert_array_equal(reader.read(record).mask, bars(0, 1))


def test_a_backslash_may_be_a_letter(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("images/a\\b.png", b"x")
    assert open_source(tmp_path / "a.zip").names() == ["images/a\\b.png"]


def test_a_mac_writes_utf8_and_does_not_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ä.png", b"x")
        archive.writestr("plain.png", b"y")
    data = bytearray(path.read_bytes())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(sign) + place
        assert data[start + 1] == 8, "the bit that says so"
        data[start + 1] = 0
    path.write_bytes(data)
    source = open_source(path)
    assert source.names() == ["plain.png", "ä.png"]
    assert source.read("ä.png") == b"x"


@pytest.mark.parametrize(
    ("method", "flags", "word"),
    [(9, 0, "packed by Deflate64"), (93, 0, "packed by Zstandard"), (77, 0, "method 77"),
     (8, 1, "encrypted"), (99, 1, "AES")],
)  # fmt: skip
def test_members_that_cannot_be_unpacked(
    tmp_path: Path, method: int, flags: int, word: str
) -> None:
    path = packed_by(tmp_path / "my data.zip", PAIR, method, flags)
    reader = Folder(path, classes=TWO)
    with pytest.raises(SegkitError, match=word) as caught:
        reader.read(reader.listing().records[0])
    assert caught.value.where == f"{path}/images/a.png"
    assert shlex.join(["7z", "x", str(path), f"-o{tmp_path / 'my data'}"]) in caught.value.remedy
    assert f"'dataset.root={tmp_path / 'my data'}'" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "head", "word", "command"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive", "7z x {a} -o{folder}"),
        ("a.zip", b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive", "7z x {a} -o{folder}"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00", "a RAR archive", "unrar x {a} {folder}/"),
        (
            "a.tar.zst",
            b"\x28\xb5\x2f\xfd",
            "a Zstandard archive",
            "tar --zstd -xf {a} -C {folder}",
        ),
    ],
)
def test_other_archives(tmp_path: Path, name: str, head: bytes, word: str, command: str) -> None:
    path, folder = tmp_path / name, tmp_path / name.partition(".")[0]
    path.write_bytes(head + bytes(99))
    for root in (path, tmp_path):  # alone in a folder, too
        error = told(root)
        if root == path:
            assert word in error.what
        assert command.format(a=path, folder=folder) in error.remedy


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    """Following what is said leads to the data."""
    inner = placed(tmp_path, PAIR, "stored zip").read_bytes()
    outer = tmp_path / "kaggle.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("train.zip", inner)
    (tmp_path / "archive.zip").unlink()
    error = told(outer)
    assert "it holds archives (train.zip): unpack it: unzip" in error.remedy
    words = shlex.split(re.search(r"unpack it: (.*?);", error.remedy)[1])  # type: ignore[index]
    assert words[:2] == ["unzip", str(outer)]
    with zipfile.ZipFile(outer) as archive:
        archive.extractall(words[3])
    root = re.search(r"dataset\.root=(\S*?);", error.remedy)[1]  # type: ignore[index]
    assert len(Folder(root, classes=TWO).listing().records) == 1


def test_archives_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "train.tar.gz").write_bytes(tar(PAIR, "w:gz"))
    (tmp_path / "read me.txt").write_bytes(b"")
    assert f"dataset.root={tmp_path / 'train.tar.gz'};" in told(tmp_path).remedy
    shutil.copy(tmp_path / "train.tar.gz", tmp_path / "test.tar.gz")
    assert (
        "it holds archives (test.tar.gz, train.tar.gz): name one of them" in told(tmp_path).remedy
    )


def test_a_tar_with_an_archive_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"b/train.7z": b""}))
    error = told(tmp_path / "a.tar")
    folder = tmp_path / "a"
    assert f"mkdir -p {folder} && tar -xf {tmp_path / 'a.tar'} -C {folder}" in error.remedy
    assert f"dataset.root={folder}/b/train.7z;" in error.remedy
