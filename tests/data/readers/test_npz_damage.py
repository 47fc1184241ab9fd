"""Npz files that are cut, damaged or not as numpy writes them: refused, and named."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.archives import open_source
from segkit.data.readers.npz import NpzArray, NpzFiles
from tests.data.readers.npz_files import HOLDERS, SAVES, Save, _hold, _npz


def test_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.zeros((4, 8, 8)))
    with zipfile.ZipFile(tmp_path / "train.npz", "w") as archive:
        archive.writestr("X.npy", array.getvalue()[:-100])
    with pytest.raises(SegkitError, match=r"shape \(4, 8, 8\)"):
        NpzFiles(open_source(tmp_path)).array("train.npz", "X")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 but no zip", b"<html>not found</html>"])
def test_no_npz_at_all_names_the_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SegkitError) as caught:
        _hold(tmp_path, data, "folder").array("train.npz", "X")
    assert "train.npz" in caught.value.where


def _wheres(images: NpzArray) -> list[str]:
    """Read front to back; where the refused items are said to be."""
    wheres = []
    for index in range(len(images)):
        try:
            images.item(index)
        except SegkitError as error:
            wheres.append(error.where)
    return wheres


def test_damaged_deflate_names_the_items(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).normal(size=(20, 64, 64))
    data = bytearray(_npz(np.savez_compressed, X=stack))
    # Bytes that soon are no deflate blocks any more.
    data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    images = _hold(tmp_path, bytes(data), "folder").array("train.npz", "X")
    assert images is not None
    refused = [int(where.rpartition(" ")[2]) for where in _wheres(images)]
    assert "train.npz, array X, item 19" in _wheres(images)[-1]
    # Nothing behind the damage is made up.
    assert refused == list(range(refused[0], 20))
    assert refused[0] > 5
    np.testing.assert_array_equal(images.item(0), stack[0])


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_a_flipped_bit_comes_to_light_with_the_last_item(
    tmp_path: Path, save: Save, holder: str
) -> None:
    # Deflate stores random bytes as they are: no code breaks, only the checksum tells.
    stack = np.random.default_rng(0).integers(0, 256, (20, 32, 32), np.uint8)
    data = bytearray(_npz(save, X=stack))
    data[len(data) // 2] ^= 1
    images = _hold(tmp_path, bytes(data), holder).array("train.npz", "X")
    assert images is not None
    wheres = _wheres(images)
    assert len(wheres) == 1
    assert wheres[0].endswith("train.npz, array X, item 19")


def _with_header(
    header: bytes, version: tuple[int, int] = (1, 0), length: int | None = None
) -> bytes:
    size = struct.pack(
        "<H" if version == (1, 0) else "<I", len(header) if length is None else length
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        magic = b"\x93NUMPY" + bytes(version)
        archive.writestr("X.npy", magic + size + header + bytes(120))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_with_header(b"{'descr': '|u1', 'fortran_order': False, 'shape': (-2, -60), }"), "shape"),
        (_with_header(b"{'descr': '|u1', 'fortran_order': False, 'shape': '''"), "cannot be read"),
        (_with_header(b"(" * 9000), "cannot be read"),
        (_with_header(b"-" * 9000 + b"1"), "cannot be read"),
        (_with_header(b"{}", (2, 0), 2**32 - 16), "cannot be read"),
        (_with_header(b"{}", (9, 0)), "version"),
    ],
    ids=["negative", "quotes", "brackets", "signs", "long", "version"],
)
def test_headers_that_numpy_stumbles_over(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(SegkitError, match=reason) as caught:
        _hold(tmp_path, data, "folder").array("train.npz", "X")
    assert "train.npz, array X" in caught.value.where


def test_packed_otherwise_than_numpy_does(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("X.npy", b"x")
    with pytest.raises(SegkitError, match="numpy does not write"):
        _hold(tmp_path, out.getvalue(), "folder").array("train.npz", "X")
