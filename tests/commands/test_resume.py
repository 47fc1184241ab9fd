"""``resume=DIR``: the same end as the run that was never stopped, or a message why not."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import torch
import yaml

from segkit.data.readers.phantom import write_phantoms
from segkit.imaging.pixels import decode
from segkit.runs import load_run
from tests.commands.mistakes import write

IN_PROCESS = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    tensors: dict[str, torch.Tensor] = saved["state_dict"]
    return tensors


def losses(run: Any, folder: Path) -> list[tuple[str, ...]]:
    return [tuple(list(row.values())[:6]) for row in run.rows(folder)]


@IN_PROCESS
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(["schedule.patience=0", "schedule.factor=0.1"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant", "model=segformer_b0"], marks=pytest.mark.slow),
        pytest.param(["schedule=constant", "dataset.num_workers=2"], marks=pytest.mark.slow),
        pytest.param(
            ["schedule=constant", "dataset.device_cache=true", "augment=device_light"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_a_run_is_gone_on_with_exactly(
    run: Any, here: Any, tmp_path: Path, schedule: list[str]
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert here(*run.arguments(f"hydra.run.dir={whole}", "trainer.max_epochs=4", *schedule)) == 0
    assert here(*run.arguments(f"hydra.run.dir={halves}", "trainer.max_epochs=2", *schedule)) == 0
    config = (halves / "config.yaml").read_text("utf-8")
    assert here(f"resume={halves}", "trainer.max_epochs=4") == 0
    assert [row["epoch"] for row in run.rows(halves)] == ["0", "1", "2", "3"]
    assert losses(run, halves) == losses(run, whole)
    changes = len({row["lr"] for row in run.rows(whole)}) > 1
    assert changes == ("schedule.patience=0" in schedule)
    expected = weights(whole)
    assert all(torch.equal(value, expected[key]) for key, value in weights(halves).items())
    facts = [json.loads((folder / "summary.json").read_text("utf-8")) for folder in (whole, halves)]
    assert facts[0]["test"] == facts[1]["test"]
    assert facts[0]["best_epoch"] == facts[1]["best_epoch"]
    assert (halves / "panels" / "epoch_003.png").is_file()
    assert list((tmp_path / "outputs").glob("*")) == []
    changed = (halves / "config.yaml").read_text("utf-8")
    given = "- trainer.max_epochs=4\n"
    assert changed.replace("max_epochs: 4", "max_epochs: 2").replace(given, "") == config
    assert given in changed


def test_what_decides_the_result_may_not_change_on_resume(
    run: Any, here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(f"resume={run.folder}", "optim.lr=0.5", "schedule=cosine") == 2
    err = capsys.readouterr().err
    assert "optim.lr" in err.splitlines()[0]
    assert "may not change on resume" in err
    assert "optim.lr: 0.001 → 0.5" in err
    assert (
        "schedule._target_: segkit.training.schedules.plateau → segkit.training.schedules.cosine"
        in err
    )
    assert "trainer.max_epochs" in err.splitlines()[-1]


def test_the_same_command_again_is_done_before(
    here: Any, run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """resume=true: begin, go on, or leave alone; everything given is what it was."""
    folder = tmp_path / "again"
    shutil.copytree(run.folder, folder)
    before = {p.name: p.stat().st_mtime_ns for p in folder.rglob("*")}
    given = [*run.arguments(), f"hydra.run.dir={folder}", "resume=true"]
    assert here(*given) == 0
    assert f"done before: {folder}" in capsys.readouterr().out
    assert {p.name: p.stat().st_mtime_ns for p in folder.rglob("*")} == before
    (folder / "summary.json").unlink()
    assert here(*given, "loss=dice", "dataset.batch_size=2") == 2
    err = capsys.readouterr().err
    assert "dataset.batch_size: 4 → 2" in err
    assert "loss._target_" in err


def test_a_name_by_the_clock_is_always_new(
    here: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(*run.arguments(), "resume=true") == 2
    assert "hydra.run.dir=DIR" in capsys.readouterr().err


@pytest.fixture
def copied(run: Any, tmp_path: Path) -> Path:
    """A copy of the run of two epochs, which a test may resume."""
    return Path(shutil.copytree(run.folder, tmp_path / "moved"))


@IN_PROCESS
def test_a_run_that_was_moved_remembers_its_best_epoch(run: Any, here: Any, copied: Path) -> None:
    best = run.summary["best_score"]
    # A rate of nothing changes no weight: no later epoch can be better.
    assert here(f"resume={copied}", "trainer.max_epochs=2") == 0
    summary = json.loads((copied / "summary.json").read_text("utf-8"))
    assert (summary["best_epoch"], summary["best_score"]) == (run.summary["best_epoch"], best)
    assert summary["test"] == run.summary["test"]
    saved = torch.load(copied / "checkpoints" / "last.ckpt", weights_only=True)
    states = [state for state in saved["callbacks"].values() if "best_model_path" in state]
    assert states


@IN_PROCESS
@pytest.mark.slow
def test_the_loggers_may_change(here: Any, copied: Path) -> None:
    assert here(f"resume={copied}", "logger=csv", "trainer.max_epochs=3") == 0
    assert list(copied.rglob("metrics.csv"))
    assert "lightning.pytorch.loggers.CSVLogger" in (copied / "config.yaml").read_text("utf-8")


@IN_PROCESS
def test_data_that_were_moved_are_read_where_they_are(here: Any, tmp_path: Path) -> None:
    """dataset.root may change, and the reader's root with it; likewise by resume=true."""
    write_phantoms(tmp_path / "before" / "set", count=12, image_size=32, seed=0)
    tiny = ["trainer=cpu", "trainer.precision=32-true", "dataset.batch_size=4", "logger=none"]
    common = ["dataset=dsb2018", "dataset.size=32", "dataset.cache_dir=cache", *tiny]
    common += ["trainer.enable_progress_bar=false", "schedule=constant", "hydra.run.dir=run"]
    assert here(*common, "dataset.root=before/set", "trainer.max_epochs=1") == 0
    (tmp_path / "before").rename(tmp_path / "after")
    assert here("resume=run", "dataset.root=after/set", "trainer.max_epochs=2") == 0
    again = [*common, "dataset.root=now/set", "resume=true", "trainer.max_epochs=3"]
    (tmp_path / "after").rename(tmp_path / "now")
    assert here(*again) == 0
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text("utf-8"))
    assert config["dataset"]["root"] == config["dataset"]["reader"]["root"] == "now/set"
    assert len((tmp_path / "run" / "metrics.csv").read_text("utf-8").splitlines()) == 4


@IN_PROCESS
def test_what_an_encoder_expects_is_recorded(
    here: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another release of timm may say otherwise: what was trained with is used for ever."""
    encoder = ["model.encoder=tu-resnet10t", "logger=none", f"hydra.run.dir={tmp_path / 'run'}"]
    begun = run.arguments(*encoder, "trainer.max_epochs=1", "resume=true")
    assert here(*begun) == 0
    path = tmp_path / "run" / "config.yaml"
    config = yaml.safe_load(path.read_text("utf-8"))
    assert config["model"]["mean"] == [0.485, 0.456, 0.406]
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)

    def probability() -> Any:
        return load_run(tmp_path / "run", device="cpu", precision="32-true")(image).probability

    before = probability()
    newer = SimpleNamespace(mean=(0.5, 0.5, 0.5), std=(0.1, 0.1, 0.1))
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda _: newer)
    np.testing.assert_array_equal(probability(), before)
    # The same command goes on with it: what training wrote is no change.
    assert here(*begun, "trainer.max_epochs=2") == 0
    assert yaml.safe_load(path.read_text("utf-8"))["model"] == config["model"]
    # So are the weights that it began with; auto in the same command is no change, nor asked again.
    assert config["model"]["encoder_weights"] is None
    # A run of an earlier version has none.
    del config["model"]["mean"], config["model"]["std"]
    path.write_text(yaml.safe_dump(config), "utf-8")
    assert not np.array_equal(probability(), before)


def test_other_data_is_not_gone_on_with(
    here: Any, run: Any, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (copied / "split.csv").read_text("utf-8")
    given = [f"resume={copied}", "trainer.max_epochs=3"]
    root = Path(shutil.copytree(run.config["dataset"]["root"], tmp_path / "data"))
    removed = next(root.rglob("phantom_0004"))
    # The phantom's reader would draw what is missing.
    reader = {"_target_": "segkit.data.readers.dsb2018.Dsb2018", "root": str(removed.parent)}
    config = {**run.config, "dataset": {**run.config["dataset"], "reader": reader}}
    (copied / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    shutil.copytree(removed, removed.with_name("added"))
    image = removed.with_name("added") / "images" / "phantom_0004.png"
    image.rename(image.with_name("added.png"))
    assert here(*given) == 2
    err = capsys.readouterr().err
    assert "1 records are not in the split file, the first is 'added'" in err
    assert "restore the data" in err
    shutil.rmtree(removed.with_name("added"))
    shutil.rmtree(removed)
    assert here(*given) == 2
    err = capsys.readouterr().err
    assert "the data is not what this run was begun with: 1 records" in err
    assert "(phantom_0004, …)" in err
    assert (copied / "split.csv").read_text("utf-8") == table


def test_other_pixels_under_the_same_names_are_not_gone_on_with(
    here: Any, run: Any, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(run.config["dataset"]["root"], tmp_path / "data"))
    given = [f"resume={copied}", "trainer.max_epochs=3", f"dataset.root={root}"]
    (mask, *_) = next(root.rglob("phantom_0004")).glob("masks/*.png")
    whole = mask.read_bytes()
    write(mask, decode(whole, "mask")[::-1])
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    assert here(*given) == 2
    err = capsys.readouterr().err
    assert "1 of 12 records (phantom_0004) have other pixels" in err
    assert f"dataset.root={root}" in err
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before
    # The message's advice.
    mask.write_bytes(whole)
    assert here(*given) == 0
    assert len(run.rows(copied)) == 3


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_rate_that_was_laid_out_is_not_stretched(
    here: Any, copied: Path, schedule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (copied / "config.yaml").read_text("utf-8")
    changed = config.replace(
        "segkit.training.schedules.plateau", f"segkit.training.schedules.{schedule}"
    )
    assert changed != config
    (copied / "config.yaml").write_text(changed, "utf-8")
    assert here(f"resume={copied}", "trainer.max_epochs=3") == 2
    assert "the learning rate was laid out" in capsys.readouterr().err


def test_a_run_limited_by_steps_cannot_be_exact(
    here: Any, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (copied / "config.yaml").read_text("utf-8")
    changed = config.replace("max_steps: -1", "max_steps: 5")
    assert changed != config
    (copied / "config.yaml").write_text(changed, "utf-8")
    assert here(f"resume={copied}", "trainer.max_epochs=3") == 2
    err = capsys.readouterr().err
    assert "limited by steps" in err
    assert (copied / "summary.json").exists()


@IN_PROCESS
@pytest.mark.slow
def test_through_a_link_the_best_epoch_stays_the_best(
    run: Any, here: Any, copied: Path, tmp_path: Path
) -> None:
    """The last epoch is not the best, and none that follows is."""
    (tmp_path / "link").symlink_to(copied, target_is_directory=True)
    for state in (torch.load(copied / "checkpoints" / "last.ckpt", weights_only=True),):
        for each in state["callbacks"].values():
            if each.get("best_model_score") is not None:
                each["best_model_score"] = torch.tensor(0.99)
                each["best_k_models"] = dict.fromkeys(each["best_k_models"], torch.tensor(0.99))
                each["kth_value"] = torch.tensor(0.99)
        torch.save(state, copied / "checkpoints" / "last.ckpt")
    before = (copied / "checkpoints" / "best.ckpt").read_bytes()
    assert here(f"resume={tmp_path / 'link'}", "trainer.max_epochs=3") == 0
    assert (copied / "checkpoints" / "best.ckpt").read_bytes() == before
    assert [row["epoch"] for row in run.rows(copied)] == ["0", "1", "2"]


@IN_PROCESS
@pytest.mark.slow
def test_a_grid_that_has_grown_trains_what_is_new(
    run: Any, here: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "grid"
    given = [*run.arguments("trainer.max_epochs=1"), f"hydra.sweep.dir={sweep}"]
    assert here("-m", *given, "seed=2,3") == 0
    begun = sorted(path.parent for path in sweep.glob("*/summary.json"))
    before = [path.stat().st_mtime_ns for path in begun]
    assert here("-m", *given, "seed=1,2,3", "resume=true") == 0
    said = capsys.readouterr().out
    assert all(f"done before: {path}" in said for path in begun)
    assert [path.stat().st_mtime_ns for path in begun] == before
    folders = sorted(path.name for path in sweep.iterdir() if path.is_dir())
    names = [name.rsplit("-", 1)[0] for name in folders]
    assert names == ["0-seed1", "0-seed2", "1-seed3"]
