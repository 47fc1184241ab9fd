"""``python -m segkit.train`` as a user runs it, and all that its run folder is promised to hold."""

import csv
import json
import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segkit import train
from segkit.data.split_file import split_hash
from segkit.images import decode

ROOT = Path(__file__).parents[2]
EPOCHS = 2
COLUMNS = "epoch,train/loss,val/loss,val/dice,val/iou,lr,seconds,images_per_second"
# CPU seconds in which help and configuration mistakes are answered.
PROMPT = 1.5


def arguments(cache: Path, *more: str) -> list[str]:
    """A training of seconds: twelve phantoms of 64 pixels, seen at 32."""
    return [
        f"dataset.cache_dir={cache}",
        "dataset.count=12",
        "dataset.image_size=64",
        "dataset.size=32",
        "dataset.batch_size=4",
        "dataset.panel_count=2",
        "trainer=cpu",
        "trainer.precision=32-true",
        f"trainer.max_epochs={EPOCHS}",
        "trainer.enable_progress_bar=false",
        *more,
    ]


def environment() -> dict[str, str]:
    """Of a fresh process: this checkout, one thread (two cores are shared), no ranks."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PL_", "HYDRA_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}


def call(*given: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "segkit.train", *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(),
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command in this process: torch is imported once for all of them."""

    def run(*given: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["segkit.train", *given])
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            train.main()
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            torch.set_num_threads(threads)
            logging.captureWarnings(False)
        return 0

    return run


class Run:
    """One training in a process of its own, for many tests to look at."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        done = call(*arguments(cwd / "cache"), cwd=cwd)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        folders = list((cwd / "outputs").glob("*/*/*"))
        assert len(folders) == 1, self.err
        self.folder = folders[0]
        self.summary: dict[str, Any] = json.loads((self.folder / "summary.json").read_text("utf-8"))
        self.config: dict[str, Any] = yaml.safe_load(
            (self.folder / "config.yaml").read_text("utf-8")
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("train"))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def split(folder: Path) -> list[dict[str, str]]:
    with (folder / "split.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_it_ends_well_and_says_where_all_lies(run: Run) -> None:
    assert run.code == 0, run.err
    said = run.out + run.err
    assert "Traceback" not in said
    assert str(run.folder.relative_to(run.cwd)) in re.sub(r"\s*\n\s*", "", said)
    assert "val/dice" in said
    assert "test" in said
    assert "Warning" not in said


def test_the_folder_is_named_by_data_model_time_and_configuration(run: Run) -> None:
    assert run.folder.parent.parent.name == "phantom"
    assert run.folder.parent.name == "unet_mnv2"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-[0-9a-f]{8}", run.folder.name)


def test_the_folder_is_complete_and_holds_nothing_else(run: Run) -> None:
    found = {
        path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()
    }
    events = {name for name in found if name.startswith("events.out.tfevents.")}
    assert events
    assert found - events == {
        "config.yaml",
        "split.csv",
        "metrics.csv",
        "curves.png",
        "panels/epoch_000.png",
        "panels/epoch_001.png",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "summary.json",
        "train.log",
    }
    # Beside the outputs and the cache that was asked for, nothing was written.
    assert {path.name for path in run.cwd.iterdir()} == {"outputs", "cache"}


def test_the_configuration_is_resolved_and_plain(run: Run) -> None:
    text = (run.folder / "config.yaml").read_text("utf-8")
    assert "${" not in text
    assert "!!" not in text
    assert run.config["dataset"]["size"] == 32
    assert run.config["trainer"]["max_epochs"] == EPOCHS
    assert run.config["run_dir"] == str(run.folder)
    assert run.config["callbacks"]["early_stopping"]["monitor"] == "val/dice"
    assert run.config["choices"]["model"] == "unet_mnv2"
    assert "hydra" not in run.config


def test_the_split_is_of_every_record(run: Run) -> None:
    table = split(run.folder)
    assert list(table[0]) == ["id", "group", "split", "stratum"]
    assert len({row["id"] for row in table}) == 12
    assert {row["split"] for row in table} == {"train", "val", "test"}
    counted = {s: sum(row["split"] == s for row in table) for s in ("train", "val", "test")}
    assert counted == run.summary["data"]["records"]
    assert run.summary["split_hash"] == split_hash((run.folder / "split.csv").read_text("utf-8"))


def test_the_metrics_have_the_promised_columns(run: Run) -> None:
    lines = (run.folder / "metrics.csv").read_text("utf-8").splitlines()
    assert lines[0] == COLUMNS
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1"]


def test_the_pictures_open(run: Run) -> None:
    for name in ("curves.png", "panels/epoch_000.png", "panels/epoch_001.png"):
        picture = decode((run.folder / name).read_bytes(), name)
        assert min(picture.shape[:2]) > 50


def test_the_checkpoints_hold_tensors_and_plain_containers(run: Run) -> None:
    for name in ("best", "last"):
        path = run.folder / "checkpoints" / f"{name}.ckpt"
        saved = torch.load(path, map_location="cpu", weights_only=True)
        assert any(key.startswith("network.core.encoder.") for key in saved["state_dict"])
        assert not any("_orig_mod" in key for key in saved["state_dict"])
    last = torch.load(run.folder / "checkpoints/last.ckpt", weights_only=True)
    assert last["epoch"] == EPOCHS - 1


def test_the_summary_states_its_facts(run: Run) -> None:
    summary, table = run.summary, rows(run.folder)
    best = max(table, key=lambda row: float(row["val/dice"]))
    assert summary["best_epoch"] == int(best["epoch"])
    assert summary["best_score"] == pytest.approx(float(best["val/dice"]), rel=1e-5)
    assert summary["monitor"] == "val/dice"
    assert summary["epochs"] == EPOCHS
    assert summary["wall_seconds"] > sum(float(row["seconds"]) for row in table) * 0.9
    assert summary["precision"] == "32-true"
    assert summary["parameters"] > 1e6
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


def test_the_log_tells_of_every_epoch(run: Run) -> None:
    log = (run.folder / "train.log").read_text("utf-8")
    assert [f"epoch {n}" in log for n in range(EPOCHS)] == [True] * EPOCHS
    assert run.summary["split_hash"] in log
    assert re.match(r"\d{4}-\d\d-\d\d ", log)


@pytest.fixture(scope="module")
def events(run: Run) -> EventAccumulator:
    accumulator = EventAccumulator(str(run.folder), size_guidance={"images": 0, "scalars": 0})
    accumulator.Reload()
    return accumulator


def test_tensorboard_has_the_scalars_on_an_axis_of_epochs(
    run: Run, events: EventAccumulator
) -> None:
    tags = set(events.Tags()["scalars"])
    assert "lr/step" in tags
    assert tags >= {
        "lr",
        "train/loss",
        "val/loss",
        "val/dice",
        "val/iou",
        "seconds",
        "images_per_second",
    }
    table = rows(run.folder)
    for tag in ("train/loss", "val/loss", "val/dice", "val/iou", "lr", "images_per_second"):
        points = events.Scalars(tag)
        assert [point.step for point in points] == list(range(EPOCHS))
        expected = [float(row[tag]) for row in table]
        assert [point.value for point in points] == pytest.approx(expected, rel=1e-4)


def test_tensorboard_has_the_final_scores(run: Run, events: EventAccumulator) -> None:
    test = run.summary["test"]["all"]
    assert events.Scalars("test/dice")[-1].value == pytest.approx(test["dice"], rel=1e-4)
    best = events.Scalars("best/val/dice")[-1].value
    assert best == pytest.approx(run.summary["best_score"], rel=1e-4)


def test_tensorboard_has_the_panels(run: Run, events: EventAccumulator) -> None:
    panels = events.Images("panels")
    assert [panel.step for panel in panels] == list(range(EPOCHS))
    stored = decode((run.folder / "panels/epoch_001.png").read_bytes(), "panel")
    assert (panels[1].height, panels[1].width) == stored.shape[:2]


def test_tensorboard_has_configuration_and_hyper_parameters(
    run: Run, events: EventAccumulator
) -> None:
    text = events.Tensors("configuration/text_summary")[0].tensor_proto.string_val[0].decode()
    lines = [line.removeprefix("    ") for line in text.splitlines()]
    assert yaml.safe_load("\n".join(lines)) == run.config
    plugin = events.summary_metadata
    named = {
        name for name, metadata in plugin.items() if metadata.plugin_data.plugin_name == "hparams"
    }
    assert any("session_start_info" in name for name in named)
    assert any("experiment" in name for name in named)


def test_the_same_folder_is_never_used_twice(
    run: Run, here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    code = here(*arguments(run.cwd / "cache", f"hydra.run.dir={run.folder}"))
    err = capsys.readouterr().err
    assert code == 2
    assert "there is a run in this folder already" in err
    assert f"resume={run.folder}" in err
    assert "Traceback" not in err
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before


IN_PROCESS = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


@IN_PROCESS
def test_a_sweep_gives_each_run_a_folder(run: Run, here: Any, tmp_path: Path) -> None:
    models = "model=unet_mnv2,fpn_resnet18"
    assert here("-m", *arguments(run.cwd / "cache", models, "trainer.max_epochs=1")) == 0
    sweeps = list((tmp_path / "outputs" / "sweeps").iterdir())
    assert len(sweeps) == 1
    folders = sorted(path for path in sweeps[0].iterdir() if path.is_dir())
    assert [re.sub(r"-[0-9a-f]{8}$", "", path.name) for path in folders] == [
        "0-phantom-unet_mnv2",
        "1-phantom-fpn_resnet18",
    ]
    for folder, model in zip(folders, ("unet_mnv2", "fpn_resnet18"), strict=True):
        assert (folder / "summary.json").is_file()
        config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
        assert config["choices"]["model"] == model
        assert config["run_dir"] == str(folder)
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["sweeps"]


@IN_PROCESS
def test_a_sweep_goes_on_after_a_failure_and_fails(
    run: Run, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments(run.cwd / "cache", "threshold=2,0.5", "trainer.max_epochs=1")
    assert here("-m", *given) == 2
    assert "2 is not a number from 0 to 1" in capsys.readouterr().err
    sweep = next((tmp_path / "outputs" / "sweeps").iterdir())
    folders = [path.name for path in sweep.iterdir() if path.is_dir()]
    assert len(folders) == 1
    assert folders[0].startswith("1-")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    tensors: dict[str, torch.Tensor] = saved["state_dict"]
    return tensors


def losses(folder: Path) -> list[tuple[str, ...]]:
    return [tuple(list(row.values())[:6]) for row in rows(folder)]


@IN_PROCESS
@pytest.mark.parametrize(
    "schedule", [["schedule.patience=0", "schedule.factor=0.1"], ["schedule=constant"]], ids=str
)
def test_a_run_is_gone_on_with_exactly(
    run: Run, here: Any, tmp_path: Path, schedule: list[str]
) -> None:
    cache, whole, halves = run.cwd / "cache", tmp_path / "whole", tmp_path / "halves"
    assert here(*arguments(cache, f"hydra.run.dir={whole}", "trainer.max_epochs=4", *schedule)) == 0
    assert (
        here(*arguments(cache, f"hydra.run.dir={halves}", "trainer.max_epochs=2", *schedule)) == 0
    )
    config = (halves / "config.yaml").read_text("utf-8")
    assert here(f"resume={halves}", "trainer.max_epochs=4") == 0
    assert [row["epoch"] for row in rows(halves)] == ["0", "1", "2", "3"]
    assert losses(halves) == losses(whole)
    changes = len({row["lr"] for row in rows(whole)}) > 1
    assert changes == ("schedule.patience=0" in schedule)
    expected = weights(whole)
    assert all(torch.equal(value, expected[key]) for key, value in weights(halves).items())
    facts = [json.loads((folder / "summary.json").read_text("utf-8")) for folder in (whole, halves)]
    assert facts[0]["test"] == facts[1]["test"]
    assert facts[0]["best_epoch"] == facts[1]["best_epoch"]
    assert (halves / "panels" / "epoch_003.png").is_file()
    assert list((tmp_path / "outputs").glob("*")) == []
    changed = (halves / "config.yaml").read_text("utf-8")
    assert changed.replace("max_epochs: 4", "max_epochs: 2") == config


def test_what_decides_the_result_may_not_change_on_resume(
    run: Run, here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(f"resume={run.folder}", "optim.lr=0.5") == 2
    err = capsys.readouterr().err
    assert "optim.lr may not change on resume (it was 0.001)" in err
    assert "trainer.max_epochs" in err


@pytest.mark.slow
def test_killed_at_any_moment_and_resumed(run: Run, here: Any, tmp_path: Path) -> None:
    """SIGKILL in the third epoch: the same final weights as the run that was never killed."""
    cache, whole, killed = run.cwd / "cache", tmp_path / "whole", tmp_path / "killed"
    long = [*arguments(cache), "trainer.max_epochs=6", f"hydra.run.dir={killed}"]
    with subprocess.Popen(
        [sys.executable, "-m", "segkit.train", *long], env=environment(), cwd=tmp_path
    ) as process:
        deadline = time.monotonic() + 300
        while not (killed / "panels" / "epoch_002.png").exists():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert here(f"resume={killed}") == 0
    assert here(*arguments(cache, f"hydra.run.dir={whole}", "trainer.max_epochs=6")) == 0
    assert losses(killed) == losses(whole)
    expected = weights(whole)
    assert all(torch.equal(value, expected[key]) for key, value in weights(killed).items())


@pytest.mark.slow
def test_a_sweep_of_distributed_trainings(run: Run, tmp_path: Path) -> None:
    """Two processes a run (gloo): one folder each, and no process sweeps on its own."""
    done = call(*arguments(run.cwd / "cache", "trainer=ddp_cpu"), "-m", "seed=0,1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sweeps = list((tmp_path / "outputs" / "sweeps").iterdir())
    assert len(sweeps) == 1
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["sweeps"]
    folders = sorted(path for path in sweeps[0].iterdir() if path.is_dir())
    assert [path.name[:2] for path in folders] == ["0-", "1-"]
    for folder in folders:
        assert [row["epoch"] for row in rows(folder)] == ["0", "1"]
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
        table = split(folder)
        # Every record of the test split counts once, whichever process scored it.
        scored = summary["test"]["all"]["n"] + summary["test"]["all"]["n_empty"]
        assert scored == sum(row["split"] == "test" for row in table)
    assert "sync_dist" not in done.stderr


@pytest.fixture
def cpu_seconds() -> Any:
    def measure(*given: str, cwd: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
        """CPU time of the quickest of three calls: other processes share these cores."""
        quickest = float("inf")
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = call(*given, cwd=cwd)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            quickest = min(quickest, spent)
        return quickest, done

    return measure


def test_help_is_prompt_and_worth_reading(cpu_seconds: Any, tmp_path: Path) -> None:
    seconds, done = cpu_seconds("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert seconds <= PROMPT
    for part in ("python -m segkit.train", "dataset=folder", "unet_mnv2", "resume=", "optim.lr"):
        assert part in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_is_answered_promptly(cpu_seconds: Any, tmp_path: Path) -> None:
    seconds, done = cpu_seconds("optim.lrr=1", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'optim.lr'" in done.stderr
    assert "Traceback" not in done.stderr
    assert seconds <= PROMPT


@pytest.mark.parametrize("given", ["--help", "optim.lrr=1", "mode=min", "dataset=folder"])
def test_torch_is_not_imported_to_say_so(given: str, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from segkit import train\n"
        "try:\n"
        "    train.main()\n"
        "finally:\n"
        "    slow = {'torch', 'lightning', 'albumentations', 'timm', 'sklearn', 'matplotlib'}\n"
        "    print('slow:', sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, given],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(),
    )
    assert done.returncode == (0 if given == "--help" else 2)
    assert done.stdout.strip().endswith("slow: []")


def test_a_copy_of_a_run_can_be_looked_at(run: Run, tmp_path: Path) -> None:
    """Nothing in the folder but its configuration names where it lay."""
    copy = Path(shutil.copytree(run.folder, tmp_path / "copy"))
    for path in copy.rglob("*"):
        if path.suffix in (".csv", ".json"):
            assert str(run.folder) not in path.read_text("utf-8")
