"""``resume=DIR`` with other settings or data than the run was begun with: a message, or leave."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import yaml

from segkit.data.readers.phantom import write_phantoms
from segkit.imaging.pixels import decode
from segkit.runs import load_run
from tests.commands.mistakes import write
from tests.commands.small import SMALL

IN_PROCESS = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


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


@pytest.mark.parametrize("given", ["recipe=best", "cv=5fold"])
def test_groups_that_set_keys_of_others_are_refused(
    run: Any, here: Any, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert here(f"resume={run.folder}", given) == 2
    err = capsys.readouterr().err
    assert f"{given.partition('=')[0]} may not change on resume" in err
    assert f"where: {given}" in err


@IN_PROCESS
@pytest.mark.slow
def test_the_loggers_may_change(here: Any, folder: Path) -> None:
    assert here(f"resume={folder}", "logger=csv", "trainer.max_epochs=3") == 0
    assert list(folder.rglob("metrics.csv"))
    assert "lightning.pytorch.loggers.CSVLogger" in (folder / "config.yaml").read_text("utf-8")


@pytest.mark.slow
@IN_PROCESS
def test_data_that_were_moved_are_read_where_they_are(here: Any, tmp_path: Path) -> None:
    """dataset.root may change, and the reader's root with it; likewise by resume=true."""
    write_phantoms(tmp_path / "before" / "set", count=12, image_size=32, seed=0)
    tiny = ["trainer=cpu", "trainer.precision=32-true", "dataset.batch_size=4", "logger=none"]
    common = ["dataset=dsb2018", "dataset.size=32", "dataset.cache_dir=cache", *tiny]
    common += [
        "trainer.enable_progress_bar=false",
        "schedule=constant",
        *SMALL,
        "hydra.run.dir=run",
    ]
    assert here(*common, "dataset.root=before/set", "trainer.max_epochs=1") == 0
    (tmp_path / "before").rename(tmp_path / "after")
    assert here("resume=run", "dataset.root=after/set", "trainer.max_epochs=2") == 0
    again = [*common, "dataset.root=now/set", "resume=true", "trainer.max_epochs=3"]
    (tmp_path / "after").rename(tmp_path / "now")
    assert here(*again) == 0
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text("utf-8"))
    assert config["dataset"]["root"] == config["dataset"]["reader"]["root"] == "now/set"
    assert len((tmp_path / "run" / "metrics.csv").read_text("utf-8").splitlines()) == 4


@pytest.mark.slow
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
    here: Any, run: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (folder / "split.csv").read_text("utf-8")
    given = [f"resume={folder}", "trainer.max_epochs=3"]
    root = Path(shutil.copytree(run.config["dataset"]["root"], tmp_path / "data"))
    removed = next(root.rglob("phantom_0004"))
    # The phantom's reader would draw what is missing.
    reader = {"_target_": "segkit.data.readers.dsb2018.Dsb2018", "root": str(removed.parent)}
    config = {**run.config, "dataset": {**run.config["dataset"], "reader": reader}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
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
    assert (folder / "split.csv").read_text("utf-8") == table


def test_other_pixels_under_the_same_names_are_not_gone_on_with(
    here: Any, run: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(run.config["dataset"]["root"], tmp_path / "data"))
    given = [f"resume={folder}", "trainer.max_epochs=3", f"dataset.root={root}"]
    (mask, *_) = next(root.rglob("phantom_0004")).glob("masks/*.png")
    whole = mask.read_bytes()
    write(mask, decode(whole, "mask")[::-1])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert here(*given) == 2
    err = capsys.readouterr().err
    assert "1 of 12 records (phantom_0004) have other pixels" in err
    assert f"dataset.root={root}" in err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    # The message's advice.
    mask.write_bytes(whole)
    assert here(*given) == 0
    assert len(run.rows(folder)) == 3


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_rate_that_was_laid_out_is_not_stretched(
    here: Any, folder: Path, schedule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (folder / "config.yaml").read_text("utf-8")
    changed = config.replace(
        "segkit.training.schedules.plateau", f"segkit.training.schedules.{schedule}"
    )
    assert changed != config
    (folder / "config.yaml").write_text(changed, "utf-8")
    assert here(f"resume={folder}", "trainer.max_epochs=3") == 2
    assert "the learning rate was laid out" in capsys.readouterr().err


def test_a_run_limited_by_steps_cannot_be_exact(
    here: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (folder / "config.yaml").read_text("utf-8")
    changed = config.replace("max_steps: -1", "max_steps: 5")
    assert changed != config
    (folder / "config.yaml").write_text(changed, "utf-8")
    assert here(f"resume={folder}", "trainer.max_epochs=3") == 2
    err = capsys.readouterr().err
    assert "limited by steps" in err
    assert (folder / "summary.json").exists()
