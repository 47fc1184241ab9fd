"""Any number of channels, from check to the exported model."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from segkit import check, evaluate, export, predict, train
from segkit.core.errors import SegkitError
from segkit.runs import load_run
from tests.commands.channels import cell, picture, write, write_folder
from tests.commands.in_process import call_main

pytestmark = pytest.mark.slow
SMALL = ("model=unet_flexible", "model.base_filters=4", "model.num_layers=2")
MODEL = (*SMALL, "model.base_kernels=3", "model.dilation=1", "optim.lr=0.03", "dataset.size=48")
FEW = ("trainer=cpu", "trainer.max_epochs=25", "trainer.enable_progress_bar=false")
MORE = (*FEW, "callbacks.panels.every_n_epochs=25", "dataset.num_workers=0", "dataset.batch_size=4")


class Trained:
    """A run on images of some channels, of which the last shows what is to be found."""

    def __init__(self, folder: Path, channels: int, patch: pytest.MonkeyPatch, *more: str) -> None:
        self.channels, self.data, self.run = channels, folder / "data", folder / "run"
        write_folder(self.data, channels)
        self.given = (f"dataset.root={self.data}", f"dataset.cache_dir={folder / 'cache'}", *more)
        self.told = ("dataset=folder", *MODEL, *MORE, *self.given, f"hydra.run.dir={self.run}")
        assert call_main(patch, *self.told, module=train) == 0
        self.config = yaml.safe_load((self.run / "config.yaml").read_text("utf-8"))
        self.summary = json.loads((self.run / "summary.json").read_text("utf-8"))


@pytest.fixture(scope="module", params=[2, 5])
def trained(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder := tmp_path_factory.mktemp(f"channels{request.param}"))
        yield Trained(folder, request.param, patch)


def test_it_learns_from_the_last_channel(trained: Trained) -> None:
    assert trained.config["dataset"]["channels"] == trained.channels
    assert trained.config["dataset"]["intensity"] == (
        "channel" if trained.channels > 3 else "image"
    )
    assert trained.summary["test"]["all"]["dice"] > 0.9
    assert trained.summary["data"]["depths"] == {"uint16": 12}


def test_it_is_evaluated_and_its_panels_are_drawn(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call_main(monkeypatch, f"run={trained.run}", "trainer=cpu", module=evaluate) == 0
    with (trained.run / "evaluation.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[-1]["dice"]) > 0.9
    assert any(trained.run.glob("panels/*.png"))


def test_predict_answers_and_refuses_other_channels(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    count = trained.channels
    write(tmp_path / "in" / "a.tif", picture(50, count))
    write(tmp_path / "in" / "b.tif", picture(51, count + 1))
    Image.fromarray(np.zeros((48, 48, 3), np.uint8)).save(tmp_path / "in" / "c.png")
    told = (f"run={trained.run}", f"input={tmp_path / 'in'}", f"output={tmp_path / 'out'}")
    assert call_main(monkeypatch, *told, "device=cpu", "overlay=true", module=predict) == 1
    mask = np.asarray(Image.open(tmp_path / "out" / "a.png")) > 0
    assert 2 * (mask & cell(50)).sum() / (mask.sum() + cell(50).sum()) > 0.9
    assert (tmp_path / "out" / "a_overlay.jpg").is_file()
    assert not (tmp_path / "out" / "b.png").exists()
    said = capsys.readouterr()
    text = " ".join((said.out + said.err).split())
    assert f"the image has {count + 1} channels, and {count} are taken; give images of" in text
    assert "c.png: stored as uint8; the images that this run was trained on as uint16" in text


@pytest.mark.parametrize("tile", [None, 32])
def test_python_refuses_other_channels_with_the_remedy(trained: Trained, tile: int | None) -> None:
    predictor = load_run(trained.run, device="cpu")
    planes = picture(50, trained.channels + 2).transpose(1, 2, 0)
    with pytest.raises(SegkitError, match="channels") as refused:
        predictor(planes, tile=tile, overlap=8)
    assert "trained on" in refused.value.remedy
    found = predictor(picture(50, trained.channels).transpose(1, 2, 0), tile=tile, overlap=8)
    assert (found.mask > 0)[cell(50)].mean() > 0.9


def test_the_exported_model_takes_as_many(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (f"run={trained.run}", f"output={tmp_path}", "count=2")
    assert call_main(monkeypatch, *told, module=export) == 0
    facts = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert facts["input"]["channels"] == trained.channels
    assert facts["input"]["intensity"] == trained.config["dataset"]["intensity"]
    assert facts["parity"]["difference"] < 1e-3


def test_check_names_images_of_other_channels(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "data", trained.channels, count=8)
    told = (
        "dataset=folder",
        f"dataset.root={tmp_path / 'data'}",
        f"hydra.run.dir={tmp_path / 'c'}",
    )
    fits = call_main(monkeypatch, *told, module=check)
    assert fits == 0
    write(tmp_path / "data" / "images" / "03.tif", picture(3, trained.channels + 1))
    assert call_main(monkeypatch, *told, module=check) == 1
    problems = (tmp_path / "c" / "problems.csv").read_text("utf-8")
    assert f"the image has {trained.channels + 1} channels" in problems


def test_channels_are_taken_by_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Trained(tmp_path, 5, monkeypatch, "dataset.channels=[0,4]")
    assert run.summary["test"]["all"]["dice"] > 0.9
    found = load_run(run.run, device="cpu")(picture(50, 5).transpose(1, 2, 0))
    assert (found.mask > 0)[cell(50)].mean() > 0.9


def test_check_never_calls_black_images_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cell is in the last of two channels; the other is empty, and alone is taken."""
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "data", 2, count=8)
    for number in range(8):
        planes = picture(number, 2)
        planes[0] = 0
        write(tmp_path / "data" / "images" / f"{number:02}.tif", planes)
    told = ("dataset=folder", "dataset.root=data", "hydra.run.dir=c")
    assert call_main(monkeypatch, *told, "dataset.channels=[0]", module=check) == 1
    assert "every image is blank to the network" in (tmp_path / "c/problems.csv").read_text("utf-8")
    assert call_main(monkeypatch, *told, module=check) == 0
    assert "0 is the same everywhere" in (tmp_path / "c/problems.csv").read_text("utf-8")
    window = "dataset.intensity=[60000,65000]"  # above everything
    assert call_main(monkeypatch, *told, window, module=check) == 1


def test_the_same_command_resumes_what_auto_has_settled(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert call_main(monkeypatch, *trained.told, "resume=true", module=train) == 0
    assert "done before" in capsys.readouterr().out
    longer = [each for each in trained.told if "max_epochs" not in each]
    more = (*longer, "trainer.max_epochs=26", "resume=true")
    assert call_main(monkeypatch, *more, module=train) == 0
    kept = yaml.safe_load((trained.run / "config.yaml").read_text("utf-8"))["dataset"]
    assert kept["channels"] == trained.channels
    assert kept["intensity"] == trained.config["dataset"]["intensity"]


def test_the_device_holds_any_number_of_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    on_device = ("dataset.device_cache=true", "augment=device_light", "dataset.intensity=group")
    run = Trained(tmp_path, 5, monkeypatch, *on_device, "trainer.max_epochs=2")
    assert run.summary["epochs"] == 2
    assert run.config["dataset"]["intensity"] == "group"


def test_as_the_user_types_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", 5, count=8)
    told = ("dataset=folder", "dataset.root=data", *MODEL, *MORE, "trainer.max_epochs=1")
    called = [sys.executable, "-m", "segkit.train", *told, "hydra.run.dir=run"]
    cache = "dataset.cache_dir=cache"
    subprocess.run([*called, cache], cwd=tmp_path, check=True, capture_output=True)
    write(tmp_path / "a.tif", picture(50, 5))
    asked = ("run=run", "input=a.tif", "output=out", "device=cpu")
    called = [sys.executable, "-m", "segkit.predict", *asked]
    subprocess.run(called, cwd=tmp_path, check=True, capture_output=True)
    assert np.asarray(Image.open(tmp_path / "out" / "a.png")).shape == (48, 48)
