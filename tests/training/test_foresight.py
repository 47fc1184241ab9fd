"""What a run will take is known before its first step; too much is refused, with what helps."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch

from segkit.core import memory
from segkit.core.errors import SegkitError
from segkit.core.view import Large
from segkit.data.datamodule import SegmentationData
from segkit.data.device_dataset import DeviceAugmentation, QuarterTurns
from segkit.data.loaders import batch_bytes, worker_count
from segkit.data.readers.folder import Folder
from segkit.models.footprint import footprint
from segkit.training import foresight
from segkit.training.foresight import foresee
from segkit.training.module import SegmentationModule
from tests.training.small_module import MakeData, make_task

TRAINER = {"accelerator": "cpu", "precision": "32-true", "devices": 1}
MIB = 2**20


def allow(monkeypatch: pytest.MonkeyPatch, mebibytes: float) -> None:
    monkeypatch.setattr(memory, "available", lambda: int(mebibytes * MIB))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of 600×500 pixels, published as train, val and test."""
    folder = tmp_path_factory.mktemp("large")
    image = np.random.default_rng(0).integers(0, 256, (600, 500, 3), dtype=np.uint8)
    for part in ("train", "val", "test"):
        for kind, pixels in {"images": image, "masks": (image[..., 0] > 99).astype("u1")}.items():
            path = folder / part / kind / f"{part}.png"
            path.parent.mkdir(parents=True)
            cv2.imwrite(str(path), pixels)
    return folder


def large(make_data: MakeData, root: Path, **changes: Any) -> SegmentationData:
    reader = Folder(root, classes=["background", "cell"])
    data = make_data(**({"reader": reader, "size": None, "crop": (64, 64)} | changes))
    data.prepare_data()
    return data


def refusal(
    data: SegmentationData, module: SegmentationModule, **changes: Any
) -> tuple[SegkitError, dict[str, str]]:
    """The error, and the keys that its remedy names."""
    with pytest.raises(SegkitError) as caught:
        foresee(data, module, TRAINER, **changes)
    return caught.value, dict(re.findall(r"([\w.]+)=([\d.]+)", caught.value.remedy))


def test_it_is_said_in_a_line(make_data: MakeData, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_data()
    data.prepare_data()
    allow(monkeypatch, 2048)
    monkeypatch.setattr(memory, "resident", lambda: 1024 * MIB)
    assert foresee(data, make_task(), TRAINER) == "memory: about 1.0 of 3.0 GiB"
    each = foresee(data, make_task(), TRAINER | {"devices": 2})
    assert each == "memory: about 1.0 of 2.0 GiB to each of 2 processes"


def test_a_system_that_does_not_tell(make_data: MakeData, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_data()
    data.prepare_data()
    monkeypatch.setattr(memory, "available", lambda: None)
    assert foresee(data, make_task(), TRAINER) == ""


def test_the_batch_that_is_proposed_fits(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_data(size=(256, 256), batch_size=32)
    data.prepare_data()
    allow(monkeypatch, 80)
    error, keys = refusal(data, make_task())
    assert "32 images of 256×256 pixels needs about 0." in error.what
    assert "are available" in error.what
    assert 0 < int(keys["dataset.batch_size"]) < 32
    foresee(
        make_prepared(make_data, size=(256, 256), batch_size=int(keys["dataset.batch_size"])),
        make_task(),
        TRAINER,
    )


def make_prepared(make_data: MakeData, **changes: Any) -> SegmentationData:
    data = make_data(**changes)
    data.prepare_data()
    return data


def test_the_crop_that_is_proposed_fits(
    make_data: MakeData, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole images in training."""
    tiles = Large(pixels=64 * 64, tile=64, overlap=16)
    allow(monkeypatch, 30)
    data = large(make_data, root, crop=None, batch_size=1, large=tiles)
    error, keys = refusal(data, make_task())
    assert "a training step of an image of 500×600" in error.what
    side = int(keys["dataset.crop"])
    foresee(
        large(make_data, root, crop=(side, side), batch_size=1, large=tiles), make_task(), TRAINER
    )


@pytest.mark.parametrize("training", [True, False])
def test_whole_validation_images_are_cut_into_tiles_as_proposed(
    make_data: MakeData, root: Path, monkeypatch: pytest.MonkeyPatch, training: bool
) -> None:
    allow(monkeypatch, 20)
    error, keys = refusal(large(make_data, root), make_task(), training=training)
    assert "scoring an image of 500×600" in error.what
    bound = float(keys["large"])
    assert bound < 0.3
    tiles = Large(pixels=round(bound * 1e6), tile=128, overlap=16)
    assert foresee(large(make_data, root, large=tiles), make_task(), TRAINER, training=training)


def test_loader_processes_keep_no_more_ready_than_memory_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allow(monkeypatch, 1000)
    monkeypatch.setattr(memory, "shared", lambda: 100 * MIB)
    assert worker_count(8, on_gpu=False, batch=MIB)[0] == 8
    count, why = worker_count(8, on_gpu=True, batch=10 * MIB)
    assert count == 2, "half of the shared memory, two batches each"
    assert "keep" in why
    assert worker_count(8, on_gpu=True, batch=200 * MIB)[0] == 0
    assert worker_count(8, on_gpu=True)[0] == 8
    assert worker_count(8, on_gpu=True, batch=10 * MIB, processes=2)[0] == 1, "of each"


def test_the_processes_of_a_training_share_what_their_loaders_keep_ready(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_prepared(make_data, num_workers=2)
    counts = []
    for devices in (1, 2):
        # The Trainer of two devices, as the datamodule sees it, without starting them.
        trainer = SimpleNamespace(
            num_devices=devices,
            global_rank=0,
            world_size=1,
            strategy=SimpleNamespace(root_device=torch.device("cpu")),
        )
        data.trainer = cast("Any", trainer)
        allow(monkeypatch, 9 * batch_bytes(data.dataset("train"), data.batch_size) / MIB)
        counts.append(data.train_dataloader().num_workers)
    assert counts == [2, 1]


@pytest.mark.parametrize("devices", [2, "2"])
def test_processes_are_counted_however_they_are_named(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch, devices: Any
) -> None:
    allow(monkeypatch, 2048)
    told = foresee(make_prepared(make_data), make_task(), TRAINER | {"devices": devices})
    assert told.endswith("to each of 2 processes")


def test_a_step_is_foreseen_once(make_data: MakeData, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(network: Any, shape: Any, *, training: bool, **given: Any) -> int | None:
        asked.append((shape, training))
        return footprint(network, shape, training=training, **given)

    monkeypatch.setattr(foresight, "footprint", counted)
    allow(monkeypatch, 2048)
    assert foresee(make_prepared(make_data), make_task(), TRAINER)
    assert len(asked) == len(set(asked)) == 2, "the training step, and one for val and test"


def test_images_held_by_the_device_are_counted_first(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    augmentation = DeviceAugmentation(transforms=[QuarterTurns()])
    data = make_prepared(make_data, device_cache=True, augmentation=augmentation)
    data.train_dataloader()
    allow(monkeypatch, 0.01)
    with pytest.raises(SegkitError, match="holding 6 images needs about"):
        data.train_dataloader()
