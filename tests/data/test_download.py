"""Fetching an archive from a server on this machine, which misbehaves in every way it knows."""

import http.server
import io
import shlex
import socket
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import yaml

from segkit.core.errors import SegkitError
from segkit.data import download
from segkit.data.download import fetch
from segkit.data.readers import dsb2018
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.drawing.overlay import encode_png
from tests.conf.configurations import CONF


def archive() -> bytes:
    """A zip of 3 MB, more than one block, with one image and its mask in DSB2018's layout."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for kind in ("images", "masks"):
            out.writestr(f"a/{kind}/a.png", encode_png(np.zeros((32, 32), np.uint8)))
        for number in range(3):
            noise = np.random.default_rng(number).integers(0, 256, 1_000_000).astype(np.uint8)
            out.writestr(f"{number}.bin", noise.tobytes())
    return buffer.getvalue()


WHOLE = archive()
FLIPPED = WHOLE[:1_500_000] + bytes([WHOLE[1_500_000] ^ 1]) + WHOLE[1_500_001:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = self.path.strip("/").removesuffix(".zip")
        if name == "missing":
            self.send_error(404, "No such file")
        elif name == "moved":
            self.send_response(302)
            self.send_header("Location", "/whole.zip")
            self.end_headers()
        elif name == "chunked":
            self.answer(b"fffff\r\n" + WHOLE[:1000], "Transfer-Encoding", "chunked")
        elif name == "unsized":
            self.answer(WHOLE, "X-Nothing", "")
        elif name == "stuck":
            self.answer(WHOLE[:1000], "Content-Length", str(len(WHOLE)))
            release.wait(20)
        else:
            data = {"flipped": FLIPPED, "page": b"<html>log in first</html>", "empty": b""}
            self.answer(
                WHOLE[:2_000_000] if name == "short" else data.get(name, WHOLE),
                "Content-Length",
                str(len(data.get(name, WHOLE))),
            )

    def answer(self, data: bytes, header: str, value: str) -> None:
        self.send_response(200)
        self.send_header(header, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: ARG002  # as called
        asked.append(self.path)


release = threading.Event()
asked: list[str] = []


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        release.set()
        running.shutdown()
        thread.join()


def shown(folder: Path) -> list[str]:
    """What lies there, but for the lock."""
    return [path.name for path in folder.iterdir() if path.name != ".set.zip.lock"]


@pytest.mark.parametrize("name", ["whole", "moved", "unsized"])
def test_an_archive_arrives_whole(tmp_path: Path, server: str, name: str) -> None:
    target = tmp_path / "data" / "set.zip"
    fetch(f"{server}/{name}.zip", target)
    assert target.read_bytes() == WHOLE
    assert shown(target.parent) == ["set.zip"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("short", "2000000 of 3000"),
        ("chunked", "cannot be fetched: IncompleteRead"),
        ("missing", "No such file"),
        ("stuck", "timed out"),
        ("page", "came damaged .the whole file"),
        ("empty", "came damaged .the whole file"),
        ("flipped", "came damaged .1.bin"),
    ],
)
def test_anything_else_is_refused_and_leaves_nothing(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    if name == "stuck":  # the others answer; on a busy machine that may take a while
        monkeypatch.setattr(download, "_TIMEOUT", 2.0)
    target = tmp_path / "set.zip"
    with pytest.raises(SegkitError, match=what) as caught:
        fetch(f"{server}/{name}.zip", target)
    assert caught.value.where == f"{server}/{name}.zip"
    assert shown(tmp_path) == []


def test_what_is_there_is_not_fetched_again(tmp_path: Path, server: str) -> None:
    target = tmp_path / "set.zip"
    target.write_bytes(b"older")
    asked.clear()
    fetch(f"{server}/whole.zip", target)
    assert (target.read_bytes(), asked) == (b"older", [])


def test_of_processes_that_start_together_one_fetches_it(tmp_path: Path, server: str) -> None:
    target, start = tmp_path / "data" / "set.zip", threading.Barrier(4)
    asked.clear()

    def one(_: int) -> bytes:
        start.wait()
        fetch(f"{server}/whole.zip", target)
        return target.read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == [WHOLE] * 4
    assert asked == ["/whole.zip"]
    assert shown(target.parent) == ["set.zip"]


def test_after_one_that_fails_the_next_tries(tmp_path: Path, server: str) -> None:
    target = tmp_path / "set.zip"
    with pytest.raises(SegkitError):
        fetch(f"{server}/short.zip", target)
    fetch(f"{server}/whole.zip", target)
    assert target.read_bytes() == WHOLE


def test_who_waits_and_who_comes_later_wait_for_one_file(tmp_path: Path, server: str) -> None:
    lock = tmp_path / ".set.zip.lock"
    with lock.open("w"):  # of one that waits
        waited_for = lock.stat().st_ino
        with pytest.raises(SegkitError):
            fetch(f"{server}/short.zip", tmp_path / "set.zip")
        assert lock.stat().st_ino == waited_for


def test_a_server_that_is_not_there_is_said_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}/set.zip"
        with pytest.raises(SegkitError, match="refused") as caught:
            fetch(url, tmp_path / "set.zip")
    assert caught.value.where == url
    assert str(tmp_path / "set.zip") in caught.value.remedy
    assert "dataset.root=PATH" in caught.value.remedy
    assert shown(tmp_path) == []


def test_the_target_must_be_called_like_an_archive(tmp_path: Path, server: str) -> None:
    with pytest.raises(SegkitError, match="needs the name of a zip file") as caught:
        fetch(f"{server}/whole.zip", tmp_path / "folder")
    assert str(tmp_path / "folder" / "whole.zip") in caught.value.remedy
    assert shown(tmp_path) == []


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path, server: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SegkitError, match="cannot write here") as caught:
        fetch(f"{server}/whole.zip", tmp_path / "file" / "set.zip")
    assert caught.value.where == str(tmp_path / "file" / "set.zip")


def test_dsb2018_is_fetched_once_and_only_on_request(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dsb2018, "URL", f"{server}/whole.zip")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    asked.clear()
    with pytest.raises(SegkitError, match="is not there"):
        Dsb2018("~/data/nuclei.zip").listing()
    assert asked == []
    for _ in range(2):
        reader = Dsb2018("~/data/nuclei.zip", download=True)
        assert [record.id for record in reader.listing().records] == ["a"]
    assert asked == ["/whole.zip"]
    assert (tmp_path / "data" / "nuclei.zip").is_file()
    assert not (tmp_path / "~").exists(), "the home folder was taken by its letter"


def test_nothing_is_fetched_beside_files_of_the_user(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that was misspelt is not to become an archive of 79 MB."""
    monkeypatch.setattr(dsb2018, "URL", f"{server}/whole.zip")
    folder = tmp_path / "my data"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "stage1_train.zip").write_bytes(WHOLE)
    asked.clear()
    with pytest.raises(SegkitError, match="nothing is fetched") as caught:
        Dsb2018(folder / "stage1_trian.zip", download=True).listing()
    assert "did you mean 'stage1_train.zip'?" in caught.value.remedy
    assert asked == []
    assert [path.name for path in folder.iterdir()] == ["stage1_train.zip"]
    # The remedy leads on.
    root = shlex.split(caught.value.remedy)[-1].removeprefix("dataset.root=")
    assert Dsb2018(root, download=True).listing().records
    assert asked == ["/whole.zip"]


def test_the_home_of_the_published_archive_may_hold_other_files(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dsb2018, "URL", f"{server}/whole.zip")
    monkeypatch.chdir(tmp_path)
    root = yaml.safe_load((CONF / "dataset" / "dsb2018.yaml").read_text("utf-8"))["root"]
    assert Path(root).parent == dsb2018.HOME
    dsb2018.HOME.mkdir(parents=True)
    (dsb2018.HOME / "stage1_test.zip").write_bytes(WHOLE)
    assert Dsb2018(root, download=True).listing().records
