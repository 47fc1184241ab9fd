"""``python -m segkit.train`` as a user runs it, and all that its run folder is promised to hold."""

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segkit.data.split_file import split_hash
from segkit.imaging.pixels import decode

EPOCHS = 2
COLUMNS = "epoch,train/loss,val/loss,val/dice,val/iou,lr,seconds,images_per_second"


def split(folder: Path) -> list[dict[str, str]]:
    with (folder / "split.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_it_ends_well_and_says_where_all_lies(run: Any) -> None:
    assert run.code == 0, run.err
    said = run.out + run.err
    assert "Traceback" not in said
    assert str(run.folder.relative_to(run.cwd)) in re.sub(r"\s*\n\s*", "", said)
    assert "val/dice" in said
    assert "test" in said
    assert "Warning" not in said


def test_the_folder_is_named_by_data_model_time_and_configuration(run: Any) -> None:
    assert run.folder.parent.parent.name == "phantom"
    assert run.folder.parent.name == "unet_classic"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-[0-9a-f]{8}", run.folder.name)


def test_the_folder_is_complete_and_holds_nothing_else(run: Any) -> None:
    found = {
        path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()
    }
    events = {name for name in found if name.startswith("events.out.tfevents.")}
    assert events
    assert found - events == {
        "config.yaml",
        "evaluation_per_image.csv",
        "checkpoints/previous.ckpt",
        "split.csv",
        "checksums.csv",
        "metrics.csv",
        "curves.png",
        "panels/epoch_000.png",
        "panels/epoch_001.png",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "summary.json",
        "report.html",
        "train.log",
    }
    # Beside the outputs and the cache that was asked for, nothing was written.
    assert {path.name for path in run.cwd.iterdir()} == {"outputs", "cache"}


def test_the_configuration_is_resolved_and_plain(run: Any) -> None:
    text = (run.folder / "config.yaml").read_text("utf-8")
    assert "${" not in text
    assert "!!" not in text
    assert run.config["dataset"]["size"] == 32
    assert run.config["trainer"]["max_epochs"] == EPOCHS
    assert run.config["run_dir"] == str(run.folder)
    assert run.config["callbacks"]["early_stopping"]["monitor"] == "val/dice"
    assert run.config["choices"]["model"] == "unet_classic"
    assert "hydra" not in run.config


def test_no_fit_is_told_where_there_was_none(run: Any) -> None:
    assert "decoder" not in run.summary
    assert "fitted to" not in (run.folder / "report.html").read_text("utf-8")


def test_the_split_is_of_every_record(run: Any) -> None:
    table = split(run.folder)
    assert list(table[0]) == ["id", "group", "split", "stratum"]
    assert len({row["id"] for row in table}) == 12
    assert {row["split"] for row in table} == {"train", "val", "test"}
    counted = {s: sum(row["split"] == s for row in table) for s in ("train", "val", "test")}
    assert counted == run.summary["data"]["records"]
    assert run.summary["split_hash"] == split_hash((run.folder / "split.csv").read_text("utf-8"))


def test_the_metrics_have_the_promised_columns(run: Any) -> None:
    lines = (run.folder / "metrics.csv").read_text("utf-8").splitlines()
    assert lines[0] == COLUMNS
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1"]


def test_the_pictures_open(run: Any) -> None:
    for name in ("curves.png", "panels/epoch_000.png", "panels/epoch_001.png"):
        picture = decode((run.folder / name).read_bytes(), name)
        assert min(picture.shape[:2]) > 50


def test_the_checkpoints_hold_tensors_and_plain_containers(run: Any) -> None:
    for name in ("best", "last"):
        path = run.folder / "checkpoints" / f"{name}.ckpt"
        saved = torch.load(path, map_location="cpu", weights_only=True)
        assert any(key.startswith("network.core.") for key in saved["state_dict"])
        assert not any("_orig_mod" in key for key in saved["state_dict"])
    last = torch.load(run.folder / "checkpoints/last.ckpt", weights_only=True)
    assert last["epoch"] == EPOCHS - 1


def test_the_summary_states_its_facts(run: Any) -> None:
    summary, table = run.summary, run.rows()
    best = max(table, key=lambda row: float(row["val/dice"]))
    assert summary["best_epoch"] == int(best["epoch"])
    assert summary["best_score"] == pytest.approx(float(best["val/dice"]), rel=1e-5)
    assert summary["monitor"] == "val/dice"
    assert summary["epochs"] == EPOCHS
    assert summary["wall_seconds"] > sum(float(row["seconds"]) for row in table) * 0.9
    assert summary["precision"] == "32-true"
    assert summary["parameters"] > 1e5
    assert summary["data"]["classes"] == ["background", "nucleus"]
    assert summary["data"]["score_at"] == "native"
    assert summary["data"]["skipped"] == 0
    assert set(summary["versions"]) >= {"torch", "lightning", "segmentation-models-pytorch"}
    assert summary["hardware"]["cores"] == os.cpu_count()
    assert "commit" in summary
    test = summary["test"]
    assert test["all"]["n"] + test["all"]["n_empty"] == summary["data"]["records"]["test"]
    assert 0 <= test["all"]["dice"] <= 1
    assert test["all"]["accuracy_all_background"] > 0
    assert test["nucleus"]["dice"] == test["all"]["dice"]


def test_the_log_tells_of_every_epoch(run: Any) -> None:
    log = (run.folder / "train.log").read_text("utf-8")
    assert [f"epoch {n}" in log for n in range(EPOCHS)] == [True] * EPOCHS
    assert run.summary["split_hash"] in log
    assert re.match(r"\d{4}-\d\d-\d\d ", log)


def test_the_same_folder_is_never_used_twice(
    run: Any, here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    code = here(*run.arguments(f"hydra.run.dir={run.folder}"))
    err = capsys.readouterr().err
    assert code == 2
    assert "there is a run in this folder already" in err
    assert f"resume={run.folder}" in err
    assert "Traceback" not in err
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before


IN_PROCESS = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


@IN_PROCESS
def test_a_sweep_gives_each_run_a_folder(run: Any, here: Any, tmp_path: Path) -> None:
    models = "model=unet_classic,unet_lowered"
    assert here("-m", *run.arguments(models, "trainer.max_epochs=1")) == 0
    sweeps = list((tmp_path / "outputs" / "sweeps").iterdir())
    assert len(sweeps) == 1
    folders = sorted(path for path in sweeps[0].iterdir() if path.is_dir())
    assert [re.sub(r"-[0-9a-f]{8}$", "", path.name) for path in folders] == [
        "0-unet_classic",
        "1-unet_lowered",
    ]
    for folder, model in zip(folders, ("unet_classic", "unet_lowered"), strict=True):
        assert (folder / "summary.json").is_file()
        config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
        assert config["choices"]["model"] == model
        assert config["run_dir"] == str(folder)
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["sweeps"]


@IN_PROCESS
@pytest.mark.slow
def test_a_sweep_goes_on_after_a_failure_and_fails(
    run: Any, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = run.arguments("threshold=2,0.5", "trainer.max_epochs=1")
    assert here("-m", *given) == 2
    assert "2 is not a number from 0 to 1" in capsys.readouterr().err
    sweep = next((tmp_path / "outputs" / "sweeps").iterdir())
    failed, done = sorted(path for path in sweep.iterdir() if path.is_dir())
    assert failed.name.startswith("0-threshold2-")
    assert "2 is not a number from 0 to 1" in (failed / "error.txt").read_text("utf-8")
    assert done.name.startswith("1-threshold0.5-")
    assert (done / "summary.json").is_file()
    assert ",failed," in (sweep / "jobs.csv").read_text("utf-8")


@pytest.mark.slow
def test_a_sweep_of_distributed_trainings(run: Any, call: Any, tmp_path: Path) -> None:
    """Two processes a run (gloo): one folder each, and no process sweeps on its own."""
    given = run.arguments("trainer=ddp_cpu")
    done = call(*given, "-m", "seed=0,1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sweeps = list((tmp_path / "outputs" / "sweeps").iterdir())
    assert len(sweeps) == 1
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["sweeps"]
    folders = sorted(path for path in sweeps[0].iterdir() if path.is_dir())
    assert [path.name[:2] for path in folders] == ["0-", "1-"]
    for folder in folders:
        assert [row["epoch"] for row in run.rows(folder)] == ["0", "1"]
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
        table = split(folder)
        # Every record of the test split counts once, whichever process scored it.
        scored = summary["test"]["all"]["n"] + summary["test"]["all"]["n_empty"]
        assert scored == sum(row["split"] == "test" for row in table)
    assert "sync_dist" not in done.stderr


def test_a_copy_of_a_run_can_be_looked_at(run: Any, tmp_path: Path) -> None:
    """Nothing in the folder but its configuration names where it lay."""
    copy = Path(shutil.copytree(run.folder, tmp_path / "copy"))
    for path in copy.rglob("*"):
        if path.suffix in (".csv", ".json"):
            assert str(run.folder) not in path.read_text("utf-8")
