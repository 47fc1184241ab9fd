"""A folder with nothing in it but the archive, as a download leaves it."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from segkit.data.archives import open_source
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.source import FolderSource
from segkit.data.zip_source import ZipSource


@pytest.fixture
def folder(phantom_root: Path, tmp_path: Path) -> Path:
    (tmp_path / "download").mkdir()
    shutil.make_archive(str(tmp_path / "download" / "stage1_train"), "zip", phantom_root)
    return tmp_path / "download"


def test_the_archive_is_read(folder: Path, phantom_root: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"")
    found = Dsb2018(folder).listing().records
    assert [r.id for r in found] == [r.id for r in Dsb2018(phantom_root).listing().records]
    assert len(found) == 12


def test_beside_anything_else_it_is_a_file(folder: Path) -> None:
    assert isinstance(open_source(folder), ZipSource)
    (folder / "a.png").write_bytes(b"")
    assert isinstance(open_source(folder), FolderSource)


def test_arrays_are_no_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "train.npz", "w") as archive:
        archive.writestr("X.npy", b"")
    assert isinstance(open_source(tmp_path), FolderSource)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    assert isinstance(open_source(tmp_path), FolderSource)
