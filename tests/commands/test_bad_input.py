"""Mistakes of the user's: exit code 2, what, where and what to do, and nothing left behind."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.commands.mistakes import Mistake, check_message, left, own

ROOT = Path(__file__).parents[2]

# In this process the warnings that the command sends to its log would be errors.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("model=unet_mnv3", ["model=unet_mnv3", "'unet_mnv2'"]),
        ("modle=unet_mnv2", ["'modle'", "'model'"]),
        ("optim.lrr=1", ["'optim.lrr'", "'optim.lr'"]),
        ("dataset.batchsize=4", ["'dataset.batchsize'", "'dataset.batch_size'"]),
        ("model.encoder=resnet35", ["model.encoder=resnet35", "'resnet34'"]),
        ("loss=bce_dise", ["loss=bce_dise", "'bce_dice'"]),
        ("dataset=folder", ["dataset.root=???", "dataset.root=VALUE"]),
        ("schedule.patience=12", ["schedule.patience", "callbacks.early_stopping.patience"]),
        ("optim.lr=[1", ["optim.lr=[1", "'optim.lr=[1]'"]),
        ("mode=maxx", ["mode=maxx", "'max'"]),
        ("mode=min", ["mode=min", "mode=max"]),
        ("monitor=val/loss", ["mode=max", "mode=min"]),
        ("dataset.size=4", ["dataset.size", "at least 8"]),
        ("optim=null", ["optim=null", "adamw"]),
        ("resume=nowhere", ["nowhere/config.yaml", "segkit.train wrote"]),
        ("experiment=nothing", ["experiment=nothing"]),
        ("loss=bce loss.weight=[1]", ["weight"]),
        ("model.encoder=tu-resnet19", ["tu-resnet19", "'tu-resnet18'"]),
        ("+model.depth=3", ["depth"]),
        ("model._target_=os.system", ["_target_=os.system", "allow_targets"]),
        ("model._target_=os.system allow_targets=our.", ["'allow_targets=[your_package.]'"]),
        ("loss._target_=segkit.tasks.losses.Dise", ["segkit.tasks.losses.Dise"]),
        ("schedule=cosine trainer.max_epochs=-1 trainer.max_time=00:00:00:09", ["max_epochs"]),
        ("model.encoder_weights=imagenets", ["imagenets", "'imagenet'"]),
        ("freeze_encoder=2 model._target_=torch.nn.Conv2d", ["architecture"]),
        ("+optim.momentum=0.5", ["momentum", "optim"]),
        ("optim.weight_decay=-1", ["weight_decay", "optim"]),
        ("callbacks.inference.input=nowhere", ["callbacks.inference.input=nowhere"]),
        ("callbacks.inference.most=0", ["callbacks.inference.most=0", "1 to 64"]),
        ("two_logits=maybe", ["two_logits=maybe"]),
        ("model=[unet_mnv2,fpn_resnet18]", ["one option of model", "model=NAME"]),
        ("dataset.device_cache=true", ["dataset.device_cache=true", "augment=device_light"]),
        ("dataset.device_cache=true dataset.crop=32 augment=device_light", ["dataset.crop"]),
        ("dataset.batch_size=most", ["dataset.batch_size=most", "auto"]),
        ("dataset.batch_size=auto trainer.devices=2", ["dataset.batch_size=auto"]),
    ],
)
def test_a_mistake_in_the_configuration(mistake: Mistake, given: str, expected: list[str]) -> None:
    small = ["dataset.count=4", "dataset.image_size=32", "dataset.size=32", "trainer=cpu"]
    chosen = given.split(" ")
    if not any(part.startswith("dataset") for part in chosen):
        chosen = [*small, *chosen]
    said = mistake(*chosen)
    for part in expected:
        assert part in said, said


def test_a_processor_that_is_not_there(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    said = mistake(
        "trainer.accelerator=gpu", "dataset.count=4", "dataset.image_size=32", "dataset.size=32"
    )
    assert "accelerator=gpu" in said
    assert "trainer=cpu" in said


def test_a_file_in_the_way_of_the_run_folder(mistake: Mistake, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    said = mistake(f"hydra.run.dir={tmp_path / 'file' / 'run'}")
    assert str(tmp_path / "file") in said
    assert "hydra.run.dir=PATH" in said


def test_a_loss_that_is_not_finite_keeps_what_there_is(
    command: Callable[..., tuple[int, str]], data: Path, tmp_path: Path
) -> None:
    code, said = command(*own(data, "optim.lr=1e30", "trainer.max_epochs=3"))
    assert code == 2, said
    check_message(said)
    assert re.search("the loss became (nan|inf)", said)
    named = re.search(r"where: records (.+)\n", said)
    assert named
    assert len(named.group(1).split(", ")) == 2
    assert "optim.lr" in said.partition("fix:")[2]
    folder = next((tmp_path / "work" / "outputs").rglob("config.yaml")).parent
    assert {"config.yaml", "split.csv", "train.log"} <= {path.name for path in folder.iterdir()}
    assert not (folder / "summary.json").exists()
    assert "the loss became" in (folder / "train.log").read_text("utf-8")


def test_the_exit_code_is_that_of_the_process(tmp_path: Path) -> None:
    """What the other tests find in this process, once as a user sees it."""
    (tmp_path / "dat").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "segkit.train", *own(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )
    assert done.returncode == 2
    assert done.stdout == ""
    check_message(done.stderr)
    assert "did you mean" in done.stderr
    assert left(tmp_path) in (["dat"], ["dat", "outputs"])
