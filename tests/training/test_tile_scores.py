"""Images above the bound are scored in tiles, and come to what predict finds in the same tiles."""

from pathlib import Path
from typing import Any

import albumentations
import cv2
import numpy as np
import pytest
import torch
from torch import nn

from segkit.core.contracts import Stage
from segkit.core.view import Large
from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.readers.folder import Folder
from segkit.data.splits import SplitSpec
from segkit.evaluation.panels import draw_panels
from segkit.inference.predictor import Member, Predictor
from segkit.models.network import wrap
from segkit.tasks.losses import BinaryCrossEntropy, CrossEntropy
from segkit.tasks.semantic.calibration import CalibrationTally
from segkit.tasks.semantic.metrics import confusion_counts
from segkit.tasks.semantic.surface import SurfaceTally
from segkit.tasks.semantic.thresholds import ThresholdFit
from segkit.training.module import SegmentationModule
from tests.training.small_module import WARNINGS, make_task, make_trainer

pytestmark = WARNINGS
SIZE = (150, 131)
TILES = Large(pixels=100 * 100, tile=64, overlap=24)
WHOLE = Large(pixels=10**6)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images above the bound and two below, with three classes in the masks."""
    folder = tmp_path_factory.mktemp("large")
    draw = np.random.default_rng(0)
    for part, count in {"train": 2, "val": 3, "test": 3}.items():
        for number in range(count):
            size = (48, 40) if number == 2 else SIZE
            image = cv2.blur(draw.integers(0, 256, (*size, 3), dtype=np.uint8), (9, 9))
            mask = (image[..., 0] > 128).astype(np.uint8) + (image[..., 1] > 130)
            for kind, pixels in {"images": image, "masks": mask.astype(np.uint8)}.items():
                path = folder / part / kind / f"{part}{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), pixels)
    return folder


def data_of(root: Path, caches: Path, large: Large, classes: int) -> SegmentationData:
    names = ["background", "one", "two"][:classes]
    values: dict[int | str, int] | None = None if classes == 3 else {0: 0, 1: 1, 2: 1}
    return SegmentationData(
        reader=Folder(root, classes=names, mask_values=values),
        name="large",
        split=SplitSpec(val=0.25, test=0.25),
        augmentation=Augmentation(transforms=[albumentations.HorizontalFlip(p=0.5)]),
        size=None,
        crop=(32, 32),
        channels=3,
        batch_size=2,
        num_workers=0,
        score_by="image",
        score_at="native",
        on_bad_record="error",
        cache_dir=caches,
        panel_ids=None,
        panel_count=3,
        seed=0,
        large=large,
    )


def deep(classes: int) -> nn.Module:
    """What a pixel is called depends on others far away, and on the batch norms' statistics."""
    torch.manual_seed(1)
    planes = 1 if classes == 2 else classes
    layers = [nn.Conv2d(3, 8, 5, padding=2), nn.BatchNorm2d(8, momentum=0.9), nn.ReLU()]
    for _ in range(3):
        wide = nn.Conv2d(8, 8, 5, padding=4, dilation=2)
        layers += [wide, nn.BatchNorm2d(8, momentum=0.9), nn.ReLU()]
    # Evens the classes out.
    layers += [nn.Conv2d(8, planes, 1), nn.BatchNorm2d(planes, momentum=0.9)]
    return nn.Sequential(*layers)


def task_of(classes: int, **changes: Any) -> SegmentationModule:
    make = BinaryCrossEntropy if classes == 2 else CrossEntropy
    names = ("background", "one", "two")[:classes]
    return make_task(network=wrap(deep(classes), 3), loss=make(), classes=names, **changes)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_scores_are_those_of_predicts_masks(
    root: Path, cache_dir: Path, classes: int, precision: str
) -> None:
    data, module = data_of(root, cache_dir, TILES, classes), task_of(classes)
    make_trainer(1, precision=precision).fit(module, datamodule=data)
    make_trainer(1, precision=precision).test(module, data, verbose=False)
    predictor = Predictor(
        [Member(module.network, None, 3)],
        task=module.task,
        device="cpu",
        precision=precision,
    )
    stages: tuple[Stage, ...] = ("val", "test")
    for stage in stages:
        counted = module.counted[stage]
        assert counted.indices == data.indices(stage)
        seen = 0
        for index, counts_K4 in zip(counted.indices, counted.counts, strict=True):
            record = data.records[index].id
            image, truth = np.array(data.cache.image(record)), np.array(data.cache.mask(record))
            if truth.shape != SIZE:
                continue
            found = predictor(image, tile=TILES.tile, overlap=TILES.overlap).mask
            expected = confusion_counts(
                torch.from_numpy(found)[None], torch.from_numpy(truth)[None], classes
            )
            np.testing.assert_array_equal(counts_K4, expected[0].numpy())
            assert not np.array_equal(found, predictor(image).mask), "the tiles make a difference"
            seen += 1
        assert seen == 2


def test_below_the_bound_nothing_changes(root: Path, cache_dir: Path) -> None:
    found = {}
    for name, large in {"tiles": TILES, "whole": WHOLE}.items():
        data, module = data_of(root, cache_dir, large, 2), task_of(2)
        make_trainer(1).test(module, data, verbose=False)
        counted = module.counted["test"]
        found[name] = {
            data.records[i].id: c for i, c in zip(counted.indices, counted.counts, strict=True)
        }
    small = next(name for name in found["whole"] if name.endswith("test2"))
    np.testing.assert_array_equal(found["tiles"][small], found["whole"][small])


def test_one_tile_is_the_whole_image(root: Path, cache_dir: Path) -> None:
    """Also in the loss, which is then of one band, and in all that watches."""
    found = []
    for large in (Large(pixels=10_000, tile=256, overlap=0), WHOLE):
        data = data_of(root, cache_dir, large, 2)
        calibration, surface, thresholds = CalibrationTally(), SurfaceTally(2, 2), ThresholdFit()
        module = task_of(2, watchers=[calibration, surface, thresholds])
        make_trainer(1, precision="32-true").test(module, data, verbose=False)
        surfaces = {data.records[i].id: v for i, v in surface.finish().items()}
        indices, counts = thresholds.finish()
        found.append((module.counted["test"], calibration.finish(), surfaces, indices, counts))
    (tiled, whole) = found
    np.testing.assert_array_equal(tiled[0].counts, whole[0].counts)
    assert tiled[0].loss == pytest.approx(whole[0].loss, rel=1e-5)
    assert tiled[1].ece == pytest.approx(whole[1].ece, abs=1e-4)
    assert tiled[2].keys() == whole[2].keys()
    for name, scores in tiled[2].items():
        np.testing.assert_array_equal(scores, whole[2][name])
    assert tiled[3] == whole[3]
    np.testing.assert_array_equal(tiled[4], whole[4])


def test_training_goes_on_as_if_the_tiles_were_not(root: Path, cache_dir: Path) -> None:
    """The network's mode, weights and running statistics are those of a run without tiles."""
    states = []
    for large in (TILES, WHOLE):
        module = task_of(2)
        make_trainer(3).fit(module, datamodule=data_of(root, cache_dir, large, 2))
        states.append({k: v.clone() for k, v in module.network.state_dict().items()})
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_panels_show_what_was_scored(root: Path, cache_dir: Path, tmp_path: Path) -> None:
    data, module = data_of(root, cache_dir, TILES, 2), task_of(2)
    trainer = make_trainer(1)
    trainer.test(module, data, verbose=False)
    draw_panels(tmp_path, module, data, trainer, module.counted["test"])
    assert (tmp_path / "worst.png").stat().st_size > 1000
