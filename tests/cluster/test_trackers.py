"""A real MLflow server on SQLite, and wandb offline: each run once, with its panels."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from segkit import train
from segkit.training.trackers.base import known_id
from segkit.training.trackers.mlflow import RunMLflow
from tests.commands.in_process import call_main
from tests.commands.small import SMALL

pytestmark = [
    pytest.mark.cluster,
    # Of their own libraries.
    pytest.mark.filterwarnings("ignore"),
]
TINY = (
    *SMALL,
    "dataset.count=12",
    "dataset.image_size=64",
    "dataset.size=32",
    "dataset.batch_size=4",
    "dataset.panel_count=2",
    "trainer=cpu",
    "trainer.precision=32-true",
    "trainer.max_epochs=4",
)
Train = Callable[..., int]


class Server:
    """``mlflow server`` on a port that stays the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        given = {
            "backend-store-uri": f"sqlite:///{self.folder}/mlflow.db",
            "artifacts-destination": str(self.folder / "artifacts"),
            "host": "127.0.0.1",
            "port": str(self.port),
            "workers": "1",
        }
        words = [word for key, value in given.items() for word in (f"--{key}", value)]
        with (self.folder / "server.log").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *words],
                stdout=said,
                stderr=said,
                start_new_session=True,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            )
        end = time.monotonic() + 300
        while not self._answers():
            assert time.monotonic() < end, (self.folder / "server.log").read_text("utf-8")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("mlflow.server", reason="pip install mlflow (the server, not skinny)")
    server = Server(tmp_path_factory.mktemp("mlflow"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", server.address)
        yield server
    server.stop()


@pytest.fixture
def training(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Train:
    monkeypatch.chdir(tmp_path)
    cache = tmp_path_factory.getbasetemp() / "trackers-cache"

    def run(*given: str) -> int:
        return call_main(monkeypatch, *TINY, f"dataset.cache_dir={cache}", *given, module=train)

    return run


def asked(server: Server) -> Any:
    """A client of it."""
    return pytest.importorskip("mlflow").MlflowClient(server.address)


def told(server: Server, name: str) -> list[Any]:
    """The runs of an experiment, the oldest first."""
    client = asked(server)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])
    return list(found)


def steps(server: Server, run: Any, key: str) -> list[int]:
    history = asked(server).get_metric_history(run.info.run_id, key)
    return [point.step for point in history]


def pictures(server: Server, run: Any) -> Counter[str]:
    found = asked(server).list_artifacts(run.info.run_id, "images")
    names = (re.search(r"panels.step.(\d+).*\.png$", each.path) for each in found)
    return Counter(name[1] for name in names if name)


def test_a_run_and_its_resume_are_one_with_panels(server: Server, training: Train) -> None:
    given = ("logger=mlflow", "logger.mlflow.experiment_name=one")
    assert training(*given, "hydra.run.dir=runs/one") == 0
    assert training("resume=runs/one", "trainer.max_epochs=6") == 0
    (run,) = told(server, "one")
    assert run.info.run_id == known_id(Path("runs/one"), f"mlflow {server.address}")
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "runs/one"
    assert steps(server, run, "train/loss") == list(range(6))
    assert sorted(pictures(server, run)) == [str(epoch) for epoch in range(6)]
    assert set(pictures(server, run).values()) == {1}
    assert run.data.params["model"] == "unet_classic"
    assert "test/dice" in run.data.metrics


def test_a_database_is_named_anew_on_resume(
    training: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow.server", reason="pip install mlflow (the server, not skinny)")
    mlflow = sys.modules["mlflow"]
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    named = ("logger=mlflow", "logger.mlflow.tracking_uri=sqlite:///mlflow.db")
    assert training(*named, "hydra.run.dir=d", "trainer.max_epochs=1") == 0
    assert training("resume=d", "trainer.max_epochs=2") == 2
    assert training("resume=d", "trainer.max_epochs=2", *named) == 0
    assert training(*named, "hydra.run.dir=d", "resume=true", "trainer.max_epochs=3") == 0
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("segkit").experiment_id])
    history = client.get_metric_history(run.info.run_id, "train/loss")
    assert [point.step for point in history] == [0, 1, 2]


def test_jobs_of_a_sweep_are_runs_of_their_own(server: Server, training: Train) -> None:
    given = ("logger=mlflow", "logger.mlflow.experiment_name=swept")
    training(
        "-m", *given, "hydra.sweep.dir=sweeps/lr", "optim.lr=1e-3,1e-4", "trainer.max_epochs=1"
    )
    runs = told(server, "swept")
    assert sorted(float(run.data.params["optim.lr"]) for run in runs) == [1e-4, 1e-3]
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_server_that_is_away_for_a_while_costs_a_warning(
    server: Server, training: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = RunMLflow.log_picture

    def log_picture(self: RunMLflow, name: str, png: bytes, epoch: int) -> None:
        if epoch == 1:
            server.stop()
        if epoch == 3:
            server.start()
        show(self, name, png, epoch)

    monkeypatch.setattr(RunMLflow, "log_picture", log_picture)
    given = ("logger=mlflow", "logger.mlflow.experiment_name=away")
    assert training(*given, "hydra.run.dir=away") == 0
    (run,) = told(server, "away")
    assert sorted(steps(server, run, "train/loss")) == [0, 1, 2, 3]
    assert sorted(pictures(server, run)) == ["0", "1", "2", "3"]
    said = Path("away/train.log").read_text("utf-8")
    assert said.count("does not answer") == 1
    assert "answers again" in said
    assert "was not told" not in said


def test_a_server_that_does_not_come_back_costs_a_warning(
    server: Server, training: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = RunMLflow.log_picture

    def log_picture(self: RunMLflow, name: str, png: bytes, epoch: int) -> None:
        if epoch == 1:
            server.stop()
        show(self, name, png, epoch)

    monkeypatch.setattr(RunMLflow, "log_picture", log_picture)
    assert training("logger=mlflow", "hydra.run.dir=gone") == 0
    assert Path("gone/summary.json").is_file()
    said = Path("gone/train.log").read_text("utf-8")
    assert "was not told" in said
    assert "Retrying" not in said
    # Resumed without it, the run goes on; a new one is not begun.
    assert training("resume=gone", "trainer.max_epochs=5") == 0
    assert training("logger=mlflow", "hydra.run.dir=new") == 2
    assert not Path("new/config.yaml").exists()


def offline_runs(folder: Path) -> set[str]:
    return {path.stem.removeprefix("run-") for path in folder.rglob("run-*.wandb")}


def test_wandb_keeps_a_run_and_its_resume_under_one_id(training: Train) -> None:
    pytest.importorskip("wandb", reason="pip install 'segkit[wandb]'")
    assert training("logger=wandb", "logger.wandb.offline=true", "hydra.run.dir=w") == 0
    first = known_id(Path("w"), "wandb")
    assert training("resume=w", "trainer.max_epochs=5") == 0
    assert offline_runs(Path("w")) == {first}
    assert len(list(Path("w").rglob("media/images/panels_*.png"))) == 5


def test_wandb_keeps_the_jobs_of_a_sweep_apart(training: Train) -> None:
    pytest.importorskip("wandb", reason="pip install 'segkit[wandb]'")
    given = ("logger=wandb", "logger.wandb.offline=true", "trainer.max_epochs=1")
    training("-m", *given, "hydra.sweep.dir=s", "seed=1,2")
    jobs = [path.parent for path in Path("s").glob("*/trackers.json")]
    assert len(jobs) == 2
    assert [offline_runs(job) for job in jobs] == [{known_id(job, "wandb")} for job in jobs]
    shutil.rmtree("s")
