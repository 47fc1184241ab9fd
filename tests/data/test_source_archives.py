"""Zip archives that are cut off, damaged or encrypted, or not what their index says."""

import zipfile
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.data.archives import open_source
from tests.data.trees import archive


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_an_archive_that_was_cut_off_is_no_archive(tmp_path: Path, kept: float) -> None:
    path = archive(tmp_path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(SegkitError, match="neither a folder nor a whole zip or tar") as caught:
        open_source(path)
    assert str(path) in caught.value.where


def test_an_archive_with_a_broken_index_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path)
    data = bytearray(path.read_bytes())
    index = data.index(b"PK\x01\x02")
    data[index : index + 4] = b"XXXX"
    path.write_bytes(data)
    with pytest.raises(SegkitError, match="damaged") as caught:
        open_source(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_no_flipped_byte_of_a_member_goes_unnoticed(tmp_path: Path, method: int) -> None:
    path = tmp_path / "flip.zip"
    text = b"".join(b"%d, " % number for number in range(300))
    with zipfile.ZipFile(path, "w", method) as out:
        out.writestr("a.png", text)
        size = out.infolist()[0].compress_size
    whole = path.read_bytes()
    start = 30 + len("a.png")
    noticed = 0
    for position in [*range(26), *range(start, start + size, 7)]:
        flipped = bytes([whole[position] ^ 0x55])
        path.write_bytes(whole[:position] + flipped + whole[position + 1 :])
        found = bytes_or_none(path)
        noticed += found is None
        assert found in (text, None), position
    assert noticed > size // 7, "every byte of the data counts"


def bytes_or_none(path: Path) -> bytes | None:
    try:
        return open_source(path).read("a.png")
    except SegkitError:
        return None


def test_a_password_is_asked_for_in_words(tmp_path: Path) -> None:
    path = archive(tmp_path)
    data = bytearray(path.read_bytes())
    # Bit 0 of a member's flags says that it is encrypted.
    start = data.index(b"PK\x01\x02")
    while start >= 0:
        data[start + 8] |= 1
        start = data.find(b"PK\x01\x02", start + 1)
    path.write_bytes(data)
    with pytest.raises(SegkitError, match="encrypted") as caught:
        open_source(path).read("a.png")
    assert caught.value.where == f"{path}/a.png"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_is_no_larger_than_its_entry_says(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as out:
        out.writestr("a.png", bytes(10**6))
    assert len(open_source(path).read("a.png")) == 10**6
    data = bytearray(path.read_bytes())
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(sign) + place
        data[start : start + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SegkitError, match="CRC"):
        open_source(path).read("a.png")


def test_a_member_without_a_name_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("x", b"")
        out.writestr("a.png", b"one")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 28], data[entry + 32] = 0, 1  # its name becomes its comment
    path.write_bytes(data)
    assert open_source(path).names() == ["a.png"]
