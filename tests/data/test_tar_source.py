"""Tars, plain and packed, as trees of files."""

import io
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.data import tar_source
from segkit.data.archives import open_source
from segkit.data.source import Source
from segkit.data.tar_source import TarSource
from tests.data.archive_files import PACKED, tar
from tests.data.trees import FILES

every_kind = pytest.mark.parametrize("kind", PACKED)


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "segkit" / "archives"


def written(tmp_path: Path, kind: str, files: dict[str, bytes] = FILES) -> Path:
    path = tmp_path / f"tree.{kind}"
    path.write_bytes(tar(files, PACKED[kind]))
    return path


def contents(source: Source) -> dict[str, bytes]:
    return {name: source.read(name) for name in source.names()}


@every_kind
def test_a_tar_is_read_as_a_folder_is(tmp_path: Path, kind: str) -> None:
    litter = dict.fromkeys(("./._a.png", "@eaDir/a.png", "b/.hidden/x.png"), b"x")
    files = {"b/": b"", "./b/c/": b"", **{f"./{name}": data for name, data in FILES.items()}}
    source = open_source(written(tmp_path, kind, files | litter))
    assert isinstance(source, TarSource)
    assert source.names() == sorted(FILES)
    assert contents(source) == FILES
    assert source.size("b/2.png") == 150
    with source.open("b/2.png") as stream:
        stream.seek(-2, os.SEEK_END)
        assert stream.read() == b"wo"
        assert stream.seek(0) == 0
        assert stream.read(4) == b"twot"


def test_a_packed_one_is_unpacked_once_until_it_changes(tmp_path: Path, caches: Path) -> None:
    path = written(tmp_path, "tgz")
    first = open_source(path)
    (kept,) = caches.glob("*.tar")
    before = kept.stat().st_mtime_ns
    assert contents(open_source(path)) == FILES
    assert kept.stat().st_mtime_ns == before
    stamps = {name: first.stamp(name) for name in FILES}
    checksums = {name: first.checksum(name) for name in FILES}

    path.write_bytes(tar({**FILES, "a.png": b"new"}, "w:gz"))
    again = open_source(path)
    assert again.read("a.png") == b"new"
    assert not kept.exists()
    assert len(list(caches.glob("*.tar"))) == 1
    assert all(again.stamp(name) != stamps[name] for name in FILES)
    assert [name for name in FILES if again.checksum(name) != checksums[name]] == ["a.png"]
    assert first.read("a.png") == FILES["a.png"], "what is open stays"


def test_a_plain_one_is_not_copied(tmp_path: Path, caches: Path) -> None:
    open_source(written(tmp_path, "tar"))
    assert not caches.exists()


def test_a_browser_may_have_unpacked_it(tmp_path: Path) -> None:
    path = tmp_path / "tree.tar.gz"
    path.write_bytes(tar(FILES))
    assert contents(open_source(path)) == FILES


def test_threads_and_pickles(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "tgz"))
    names = [*FILES] * 100
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(source.read, names)) == [FILES[name] for name in names]
    again: Source = pickle.loads(pickle.dumps(source))
    assert contents(again) == FILES


FORKED = """
import os, sys
from pathlib import Path
from segkit.data.tar_source import TarSource
source = TarSource(Path(sys.argv[1]))
names = source.names()
expected = {name: source.read(name) for name in names}
child = os.fork()
same = all(source.read(name) == expected[name] for _ in range(20) for name in names)
failed = os.waitpid(child, 0)[1] if child else 0
os._exit(0 if same and not failed else 1)
"""


def test_processes_do_not_move_each_others_place(tmp_path: Path) -> None:
    files = {f"{number}.bin": os.urandom(200_000) for number in range(8)}
    path = written(tmp_path, "tar", files)
    subprocess.run([sys.executable, "-c", FORKED, path], check=True)


def test_nothing_leads_out_and_links_are_left_out(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, target in (
            ("link.png", tarfile.SYMTYPE, "/etc/passwd"),
            ("hard.png", tarfile.LNKTYPE, "a.png"),
            ("device.png", tarfile.CHRTYPE, ""),
            ("pipe.png", tarfile.FIFOTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
        for name in ("../up.png", "b/../../up.png", "a.png"):
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    assert open_source(tmp_path / "a.tar").names() == ["a.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar"]


@every_kind
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_one_that_was_cut_off(tmp_path: Path, kind: str, kept: float, caches: Path) -> None:
    files = {f"{number}.bin": os.urandom(3000) for number in range(8)}
    path = written(tmp_path, kind, files)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(SegkitError, match="damaged") as caught:
        open_source(path)
    assert caught.value.where == str(path)
    assert "fetch it again" in caught.value.remedy
    assert not list(caches.glob("*.tar*"))


def test_a_damaged_header_hides_nothing(tmp_path: Path) -> None:
    """tarfile takes it for the end of the archive."""
    path = written(tmp_path, "tar", dict.fromkeys("abcd", b"x" * 512))
    data = bytearray(path.read_bytes())
    data[2 * 1024 + 150] ^= 1  # in the third header's checksum
    path.write_bytes(data)
    with pytest.raises(SegkitError, match="damaged"):
        open_source(path)


def test_a_header_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 2**31
    path = tmp_path / "a.tar"
    with path.open("wb") as out:
        out.write(member.tobuf(tarfile.GNU_FORMAT))
        out.truncate(2**32)
    with pytest.raises(SegkitError, match="a header of 2147483648 bytes"):
        open_source(path)


def test_several_streams_of_xz(tmp_path: Path) -> None:
    whole = tar(FILES)
    packed = lzma.compress(whole[:700]) + bytes(8) + lzma.compress(whole[700:])
    (tmp_path / "a.tar.xz").write_bytes(packed)
    assert contents(open_source(tmp_path / "a.tar.xz")) == FILES


def test_a_disk_that_fills_is_told(
    tmp_path: Path, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar_source, "_ROOM", 2**62)
    with pytest.raises(SegkitError, match="fills the disk") as caught:
        open_source(written(tmp_path, "tgz"))
    assert "XDG_CACHE_HOME=PATH" in caught.value.remedy
    assert not list(caches.glob("*.tar"))
