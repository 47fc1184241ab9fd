"""What becomes of a sweep's jobs, and what their folders are called."""

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from segkit.core.errors import SegkitError
from segkit.runs.jobs import RememberSweep, job_name, jobs, record_failure, show_jobs


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("SEGKIT_SWEPT", "")
    monkeypatch.setattr(RememberSweep, "folder", None)

    def start(*overrides: str, **params: str) -> None:
        hydra = {
            "sweep": {"dir": str(tmp_path / "sweep")},
            "overrides": {"task": list(overrides)},
            "sweeper": {"params": params or None},
        }
        RememberSweep().on_multirun_start(OmegaConf.create({"hydra": hydra}))

    return start


@pytest.mark.parametrize(
    ("given", "job", "name"),
    [
        (["model=a,b", "dataset=x"], ["model=a", "dataset=x"], "a"),
        (["seed=1,2", "optim.lr=1e-3,3e-4"], ["seed=2", "optim.lr=0.0003"], "seed2-lr0.0003"),
        (["+x.file=/a/b.csv,/a/c.csv"], ["+x.file=/a/b.csv"], "data"),
        (["x.file=/a/b.csv,/a/c.csv"], ["x.file=/a/b.csv"], "fileb.csv"),
        (["x.on=true,false"], ["x.on=true"], "ontrue"),
        (["model=a"], ["model=a"], "data"),
        (["seed=range(1,4)"], ["seed=3"], "seed3"),
        (["dataset.split.seed=0,1"], ["dataset.split.seed=1"], "split_seed1"),
    ],
    ids=str,
)
def test_names_say_what_differs(swept: Any, given: list[str], job: list[str], name: str) -> None:
    swept(*given)
    assert job_name(job, "data") == name


def test_names_take_in_the_sweepers_own_parameters(swept: Any) -> None:
    swept("model=a,b", **{"dataset.split.fold": "range(0,5)"})
    assert job_name(["model=b", "dataset.split.fold=4"], "data") == "b-fold4"


def test_the_table_of_jobs(swept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swept("seed=0,1,2")
    sweep = tmp_path / "sweep"
    assert RememberSweep.folder == sweep
    for name in ("10-late", "2-begun", "1-failed", "0-done"):
        (sweep / name).mkdir(parents=True)
    for name in ("10-late", "0-done"):
        summary = {"best_epoch": 3, "wall_seconds": 90, "test": {"all": {"dice": 0.5, "iou": 0.25}}}
        (sweep / name / "summary.json").write_text(json.dumps(summary), "utf-8")
        (sweep / name / "config.yaml").write_text("{}", "utf-8")
    (sweep / "2-begun" / "train.log").write_text("", "utf-8")
    record_failure(sweep / "1-failed", SegkitError("no data", where="here", remedy="look"))
    (sweep / "other").mkdir()
    rows = jobs(sweep)
    assert [row["job"] for row in rows] == ["0-done", "1-failed", "2-begun", "10-late"]
    assert [row["state"] for row in rows] == ["done", "failed", "not finished", "done"]
    assert (rows[0]["minutes"], rows[0]["dice"], rows[1]["error"]) == (1.5, 0.5, "no data")
    capsys.readouterr()
    show_jobs(sweep)
    out = capsys.readouterr().out
    assert "resume=true" in out
    assert f"segkit.compare sweep={sweep}" in out
    assert (sweep / "jobs.csv").read_text("utf-8").count("\n") == 5


def test_a_fault_keeps_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as told:
        _ = 1 / 0
    record_failure(tmp_path / "job", told.value)
    text = (tmp_path / "job" / "error.txt").read_text("utf-8")
    assert text.startswith("ZeroDivisionError: division by zero")
    assert "test_jobs.py" in text


def test_a_job_whose_score_is_a_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a fold without foreground in validation."""
    told = {"chosen": {"monitor": "val/loss, not val/dice: …"}, "monitor": "val/loss"}
    for name, more in (("0-fold0", {"monitor": "val/dice"}), ("1-fold1", told)):
        (tmp_path / name).mkdir()
        summary = {"best_epoch": 3, "best_score": 0.5, "wall_seconds": 90, **more}
        (tmp_path / name / "summary.json").write_text(json.dumps(summary), "utf-8")
        (tmp_path / name / "config.yaml").write_text("{}", "utf-8")
    assert [row.get("monitor") for row in jobs(tmp_path)] == [None, "val/loss"]
    show_jobs(tmp_path)
    assert "val/loss" in capsys.readouterr().out
