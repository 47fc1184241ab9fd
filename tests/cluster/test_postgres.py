"""Studies in a real PostgreSQL: shared by four workers, killed, restarted, refused."""

import csv
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from segkit import sweep
from segkit.search import backends
from segkit.search.backends import Database
from segkit.search.storage import open_storage
from tests.cluster.sharing import ROOT, check_whole, environment, start, trials_of, until
from tests.commands.in_process import call_main

pytestmark = pytest.mark.cluster
TINY = (
    "study=shared",
    "sweep=none",
    "space={optim.lr: {low: 1e-4, high: 1e-2, log: true}}",
    "dataset.count=12",
    "dataset.image_size=64",
    "dataset.size=32",
    "dataset.batch_size=4",
    "model=unet_classic",
    "model.n_filters=4",
    "model.dropout=0",
    "trainer=cpu",
    "trainer.max_epochs=2",
)


class Server:
    """One of its own, in a folder that the user postgres can reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = self("start").split("=", 1)[1].strip()
        self.password = (folder / "password").read_text("utf-8").strip()

    def __call__(self, command: str) -> str:
        script = str(ROOT / "tests/cluster/postgres.sh")
        done = subprocess.run(
            [script, str(self.folder), command], capture_output=True, text=True, check=False
        )
        if done.returncode == 69:
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def new_database(self, name: str) -> str:
        """The address of one that nothing is in yet."""
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.address.replace("/studies", f"/{name}")


def has_trials(address: str, count: int) -> bool:
    return len(trials_of(address)) >= count


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="pip install 'segkit[postgresql]'")
    with tempfile.TemporaryDirectory(prefix="segkit-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Server(folder)
        yield server
        server("stop")


def test_workers_that_start_at_once_run_as_many_trials_as_were_asked_for(
    server: Server, tmp_path: Path
) -> None:
    """One of them is killed, and the server too, thrice."""
    address, n_trials = server.new_database("begun"), 120
    said = [tmp_path / str(number) for number in range(4)]
    workers = [start(address, n_trials, file) for file in said]
    until(lambda: all("begun" in file.read_text("utf-8") for file in said))
    workers[0].kill()
    for _ in range(3):
        more = len(trials_of(address)) + 1
        server("crash")
        server("start")
        until(partial(has_trials, address, more), 60)
    codes = [worker.wait(timeout=300) for worker in workers]
    assert codes == [-signal.SIGKILL, 0, 0, 0], [file.read_text("utf-8") for file in said]
    check_whole(trials_of(address), n_trials)
    assert any("does not answer" in file.read_text("utf-8") for file in said[1:])


def test_trainings_of_four_machines_are_one_study(server: Server, tmp_path: Path) -> None:
    """As a user runs them: a worker is killed in a trial, the server restarted meanwhile."""
    address = server.new_database("trained")
    said = [tmp_path / f"{number}.txt" for number in range(4)]
    more = (f"storage={address}", "n_trials=5", f"dataset.cache_dir={tmp_path / 'cache'}")
    command = [sys.executable, "-m", "segkit.sweep", *TINY, *more]
    workers = []
    for file in said:
        with file.open("wb") as out:
            workers.append(
                subprocess.Popen(command, stdout=out, stderr=out, cwd=tmp_path, env=environment())
            )
    folder = tmp_path / "outputs/sweeps/shared"
    until(lambda: re.search(r"^trial (\d+):", said[0].read_text("utf-8"), re.M))
    found = re.search(r"^trial (\d+):", said[0].read_text("utf-8"), re.M)
    assert found is not None
    lost = int(found[1])
    until((folder / f"trial_{lost:04d}").exists)
    workers[0].kill()
    server("stop")
    server("start")
    codes = [worker.wait(timeout=900) for worker in workers]
    texts = [file.read_text("utf-8") for file in said]
    assert codes == [-signal.SIGKILL, 0, 0, 0], texts
    check_whole(trials_of(address), 5)
    with (folder / "trials.csv").open(encoding="utf-8") as table:
        row = next(row for row in csv.DictReader(table) if row["trial"] == str(lost))
    assert (row["state"], row["reason"]) == (
        "fail",
        "its process is gone; its values are tried again",
    )
    again = [t for t in trials_of(address) if str(t.params["optim.lr"]) == row["optim.lr"]]
    assert [t.state.name for t in again] == ["FAIL", "COMPLETE"]
    for path in (*said, *(each for each in tmp_path.rglob("*") if each.is_file())):
        assert server.password.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((":kept-out", ":secret"), "password authentication failed"),
        (("segkit:", "nobody:"), "password authentication failed"),
        (("/studies", "/nothing"), 'database "nothing" does not exist'),
        (("127.0.0.1", "nowhere.invalid"), "nowhere.invalid"),
        ((r":\d+/", ":1/"), "Connection refused"),
        ((r"studies$", "studies?sslmode=require"), "does not support SSL"),
    ],
)
def test_what_cannot_be_opened_is_one_message(  # noqa: PLR0917
    server: Server,
    change: tuple[str, str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    address = re.sub(*change, server.address)
    assert address != server.address
    password = re.search(r":([^:@]+)@", address)
    assert password is not None
    cache = f"dataset.cache_dir={tmp_path / 'cache'}"
    code = call_main(monkeypatch, *TINY, cache, f"storage={address}", module=sweep)
    out, err = capfd.readouterr()
    assert code == 2
    assert told in err
    assert err.count("error") == 1
    assert "Traceback" not in err
    assert "PGPASSWORD" in err
    files = (file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for text in (out.encode(), err.encode(), *files):
        assert password[1].encode() not in text


def test_a_password_of_the_environment_will_do(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", server.password)
    storage = open_storage(server.address.replace(f":{server.password}", ""))
    assert isinstance(storage, Database)
    storage.engine.dispose()


def test_a_server_that_stays_away_ends_the_study(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only after it was waited for; a heartbeat does not wait, nor does it end anything."""
    monkeypatch.setattr(backends, "PATIENCE", 1.0)
    monkeypatch.setattr(backends, "_ASK_AGAIN", 0.2)
    storage = open_storage(server.new_database("away"), abandoned=lambda *_: None)
    assert isinstance(storage, Database)
    server("stop")
    try:
        storage.record_heartbeat(1)
        with pytest.raises(backends.AWAY):
            storage.get_all_studies()
    finally:
        server("start")
    assert storage.get_all_studies() == []
    storage.engine.dispose()
