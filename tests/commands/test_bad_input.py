"""Mistakes of the user's: exit code 2, what, where and what to do, and nothing left behind."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

from segkit import train
from segkit.drawing import encode_png

ROOT = Path(__file__).parents[2]

# In this process the warnings that the command sends to its log would be errors.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")

Mistake = Callable[..., str]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run ``segkit.train`` in an empty folder: its exit code, and what it said."""

    def run(*given: str) -> tuple[int, str]:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        monkeypatch.chdir(work)
        cache = f"dataset.cache_dir={tmp_path / 'cache'}"
        monkeypatch.setattr(sys, "argv", ["segkit.train", cache, *given])
        threads, code = torch.get_num_threads(), 0
        torch.set_num_threads(1)
        try:
            train.main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            torch.set_num_threads(threads)
            logging.captureWarnings(False)
        said = capsys.readouterr()
        return code, said.err

    return run


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def mistake(command: Callable[..., tuple[int, str]], tmp_path: Path) -> Mistake:
    """Run a command that must fail as a user error does; gives the message."""

    def run(*given: str) -> str:
        code, said = command(*given)
        assert code == 2, said
        check_message(said)
        assert set(left(tmp_path / "work")) <= {"outputs"}, "something was left behind"
        return said

    return run


def check_message(said: str) -> None:
    assert "Traceback" not in said
    found = re.search(r"error: (.+)\n  where: (.+)\n  fix:   (.+)", said)
    assert found, said
    assert all(part.strip() for part in found.groups())


def write(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight images of 40×40 pixels with their masks, in the layout of dataset=folder."""
    root = tmp_path / "data"
    rng = np.random.default_rng(0)
    for number in range(8):
        image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
        mask = np.zeros((40, 40), np.uint8)
        mask[5:20, 5 : 20 + number] = 255
        write(root / "images" / f"{number}.png", image)
        write(root / "masks" / f"{number}.png", mask)
    return root


def own(root: Path, *more: str) -> tuple[str, ...]:
    return (
        "dataset=folder",
        f"dataset.root={root}",
        "dataset.size=32",
        "dataset.batch_size=2",
        "trainer=cpu",
        "trainer.precision=32-true",
        "trainer.max_epochs=1",
        "trainer.enable_progress_bar=false",
        *more,
    )


def test_the_data_are_good_before_they_are_spoilt(
    command: Callable[..., tuple[int, str]], data: Path, tmp_path: Path
) -> None:
    code, said = command(*own(data))
    assert code == 0, said
    assert len(list((tmp_path / "work" / "outputs").rglob("summary.json"))) == 1


# The data set.


def test_a_root_that_is_missing(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data.with_name("dat")))
    assert f"dataset.root={data.with_name('dat')}" in said
    assert "did you mean" in said
    assert "data" in said.partition("fix:")[2]


def test_an_empty_folder(mistake: Mistake, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = mistake(*own(tmp_path / "empty"))
    assert str(tmp_path / "empty") in said
    assert "images/a.png with masks/a.png" in said


@pytest.mark.parametrize(("gone", "alone"), [("masks", "images"), ("images", "masks")])
def test_one_of_a_pair_is_missing(mistake: Mistake, data: Path, gone: str, alone: str) -> None:
    (data / gone / "3.png").unlink()
    said = mistake(*own(data))
    assert f"{alone}/3.png" in said
    assert "on_bad_record=skip" in said


def test_an_image_and_its_mask_differ_in_size(mistake: Mistake, data: Path) -> None:
    write(data / "masks" / "3.png", np.zeros((20, 40), np.uint8))
    said = mistake(*own(data))
    assert "40×40 against 40×20" in said
    assert "masks/3.png" in said


@pytest.mark.parametrize("kind", ["images", "masks"])
@pytest.mark.parametrize("damage", ["no image", "cut off", "empty"])
def test_a_file_that_cannot_be_read(mistake: Mistake, data: Path, kind: str, damage: str) -> None:
    path = data / kind / "3.png"
    whole = path.read_bytes()
    spoilt = {"no image": b"hello", "cut off": whole[: len(whole) // 2], "empty": b""}
    path.write_bytes(spoilt[damage])
    said = mistake(*own(data))
    assert "1 of 8 records cannot be used" in said
    assert f"{kind}/3.png" in said


def test_bad_records_are_left_out_and_counted_on_request(
    command: Callable[..., tuple[int, str]], data: Path, tmp_path: Path
) -> None:
    (data / "masks" / "3.png").unlink()
    (data / "images" / "5.png").write_bytes(b"")
    code, said = command(*own(data, "dataset.on_bad_record=skip"))
    assert code == 0, said
    assert "2 records were left out" in said
    assert "images/3.png" in said
    assert "images/5.png" in said
    summary = next((tmp_path / "work" / "outputs").rglob("summary.json"))
    facts = json.loads(summary.read_text("utf-8"))["data"]
    assert facts["skipped"] == 2
    assert sum(facts["records"].values()) == 6


def test_nothing_good_is_left_after_skipping(mistake: Mistake, data: Path) -> None:
    for path in (data / "images").iterdir():
        path.write_bytes(b"")
    mistake(*own(data, "dataset.on_bad_record=skip"))


@pytest.mark.parametrize(
    "setting", [[], ["dataset.mask_values={0: 0, 255: 1}"]], ids=["automatic", "mapped"]
)
def test_a_mask_value_that_is_not_in_the_map(
    mistake: Mistake, data: Path, setting: list[str]
) -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[3, 3] = 77
    write(data / "masks" / "3.png", mask)
    said = mistake(*own(data, *setting))
    assert "77" in said
    assert "masks/3.png" in said


def test_fewer_groups_than_the_split_needs(mistake: Mistake, data: Path) -> None:
    for number in range(2, 8):
        (data / "images" / f"{number}.png").unlink()
        (data / "masks" / f"{number}.png").unlink()
    said = mistake(*own(data))
    assert "2 groups cannot be divided into 3 parts" in said
    assert "dataset.split" in said


def test_an_image_smaller_than_the_crop(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, "dataset.size=null", "dataset.crop=64"))
    assert "40×40 pixels is smaller than the crop of 64×64" in said
    assert "dataset.crop" in said.partition("fix:")[2]


def test_pixels_that_are_not_numbers(mistake: Mistake, data: Path) -> None:
    (data / "images" / "3.png").unlink()
    pixels = np.ones((40, 40), np.float32)
    pixels[2, 2] = np.nan
    tifffile.imwrite(data / "images" / "3.tif", pixels)
    said = mistake(*own(data))
    assert "images/3.tif" in said
    assert re.search("nan|finite|not a number", said, re.IGNORECASE)


def test_a_cache_that_cannot_be_written(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, f"dataset.cache_dir={data / 'images' / '0.png'}"))
    assert "dataset.cache_dir" in said


def test_panels_of_records_that_are_not_there(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, "dataset.panel_ids=[nobody]"))
    assert "nobody" in said
    assert "dataset.panel_ids" in said


def test_a_split_file_that_is_missing(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, "dataset.split.file=nowhere.csv"))
    assert "nowhere.csv" in said


# The configuration.


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
        ("optim.lr=[1", ["optim.lr=[1", "key=value"]),
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
        ("loss._target_=segkit.losses.Dise", ["segkit.losses.Dise"]),
        ("schedule=cosine trainer.max_epochs=-1 trainer.max_time=00:00:00:09", ["max_epochs"]),
        ("model.encoder_weights=imagenets", ["imagenets", "'imagenet'"]),
        ("freeze_encoder=2 model._target_=torch.nn.Conv2d", ["architecture"]),
        ("+optim.momentum=0.5", ["momentum", "optim"]),
        ("optim.weight_decay=-1", ["weight_decay", "optim"]),
        ("callbacks.inference.input=nowhere", ["callbacks.inference.input=nowhere"]),
        ("callbacks.inference.most=0", ["callbacks.inference.most=0", "1 to 64"]),
        ("two_logits=maybe", ["two_logits=maybe"]),
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
