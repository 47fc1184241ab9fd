"""Under which id MLflow knows a run, at each server, and how it is told."""

import json
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.training.trackers import base
from segkit.training.trackers.mlflow import RunMLflow
from tests.training.trackers.servers import MLflow, install_mlflow

HERE, THERE = "http://here:5000", "http://there:5000"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> MLflow:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return install_mlflow(monkeypatch)


def told(folder: Path, address: str, *epochs: int) -> RunMLflow:
    """A training of these epochs, and its end."""
    logger = RunMLflow(str(folder), tracking_uri=address)
    for epoch in epochs:
        logger.log_metrics({"train/loss": 0.5}, step=epoch)
    logger.finalize("success")
    logger.close()
    return logger


def test_a_resume_is_the_same_run(
    server: MLflow, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told(tmp_path, HERE, 0, 1)
    told(tmp_path, f"{HERE}/", 1, 2)
    (run,) = (run for runs in server.runs.values() for run in runs.values())
    assert [step for _, step in run.metrics] == [0, 1, 2]
    assert run.status == "FINISHED"
    assert not caplog.text


def test_each_server_has_an_id_of_its_own(
    server: MLflow, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for address in (HERE, THERE, HERE):
        told(tmp_path, address, 0)
    assert [len(server.runs[address]) for address in (HERE, THERE)] == [1, 1]
    assert f"{HERE} knew this run; it is a new one at {THERE}" in caplog.text


def test_a_password_is_not_kept(
    server: MLflow, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told(tmp_path, "http://me:secret@here:5000", 0)
    server.away = True
    told(tmp_path, "http://me:other@here:5000", 1)
    assert [*json.loads((tmp_path / "trackers.json").read_text("utf-8"))] == [f"mlflow {HERE}"]
    assert "MLflow at http://here:5000 does not answer" in caplog.text


@pytest.mark.parametrize("deleted", [True, False])
def test_a_run_that_the_server_knows_no_more(
    server: MLflow, tmp_path: Path, caplog: pytest.LogCaptureFixture, deleted: bool
) -> None:
    told(tmp_path, HERE, 0)
    if deleted:
        server.runs[HERE]["run0"].info.lifecycle_stage = "deleted"
    else:
        server.runs[HERE].clear()  # its database was begun anew
    for epochs in ((0, 1), (1, 2)):
        told(tmp_path, HERE, *epochs)
    assert [step for _, step in server.runs[HERE]["run1"].metrics] == [0, 1, 2]
    assert len(server.runs[HERE]) == 1 + deleted
    assert "does not know run run0 any more" in caplog.text
    assert "does not answer" not in caplog.text


def test_one_that_was_away_and_knows_it_no_more(server: MLflow, tmp_path: Path) -> None:
    told(tmp_path, HERE, 0)
    server.runs[HERE].clear()
    server.away = True
    logger = RunMLflow(str(tmp_path), tracking_uri=HERE)
    logger.log_metrics({"train/loss": 0.5}, step=1)
    server.away = False
    logger.close()
    assert [run.metrics for run in server.runs[HERE].values()] == [[("train/loss", 1)]]


def test_one_that_is_away_is_not_asked_each_time(
    server: MLflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(base, "monotonic", lambda: now[0])
    logger = RunMLflow(str(tmp_path), tracking_uri=HERE)
    server.away, server.tries = True, 0
    for epoch in range(9):
        logger.log_metrics({"train/loss": 0.5}, step=epoch)
    assert server.tries == 2, "the call, and whether anybody is there"
    now[0] += 301
    for epoch in range(9, 20):
        logger.log_metrics({"train/loss": 0.5}, step=epoch)
    assert server.tries == 3
    server.away = False
    logger.close()
    (run,) = server.runs[HERE].values()
    assert [step for _, step in run.metrics] == [*range(20)]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("known", [True, False])
def test_without_an_address(tmp_path: Path, known: bool) -> None:
    if known:
        told(tmp_path, HERE, 0)
    with pytest.raises(SegkitError, match="anew" if known else "a server, or") as error:
        RunMLflow(str(tmp_path))
    assert (HERE in error.value.where) == known
    assert "logger=mlflow logger.mlflow.tracking_uri=" in error.value.remedy
