"""Training images held on the device: the same batches, augmented by the same seeds."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.device_dataset import BrightnessContrast, DeviceAugmentation, QuarterTurns
from segkit.data.readers.phantom import Phantom
from segkit.data.splits import SplitSpec


def a_data(phantom_root: Path, folder: Path, **more: Any) -> SegmentationData:
    settings: dict[str, Any] = {
        "reader": Phantom(root=phantom_root, count=12, image_size=32, seed=0),
        "name": "phantom",
        "split": SplitSpec(),
        "augmentation": DeviceAugmentation(transforms=[QuarterTurns()]),
        "size": (32, 32),
        "crop": None,
        "channels": 3,
        "batch_size": 3,
        "num_workers": 0,
        "score_by": "image",
        "score_at": "native",
        "on_bad_record": "error",
        "cache_dir": folder,
        "panel_ids": None,
        "panel_count": 2,
        "seed": 0,
    }
    data = SegmentationData(**settings | more)
    data.prepare_data()
    return data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def batches(data: SegmentationData, epoch: int) -> list[Any]:
    loader = data.train_dataloader()
    sampler: Any = loader.sampler
    sampler.set_epoch(epoch)
    return list(loader)


def test_the_batches_are_those_of_the_loader(tmp_path: Path, folder: Path) -> None:
    root = tmp_path / "phantom"
    held = batches(a_data(root, folder, device_cache=True), 3)
    read = batches(a_data(root, folder), 3)
    assert len(held) == len(read) > 1
    for ours, theirs in zip(held, read, strict=True):
        assert torch.equal(ours["index_B"], theirs["index_B"])
        assert torch.equal(ours["image_BCHW"], theirs["image_BCHW"])
        assert torch.equal(ours["mask_BHW"], theirs["mask_BHW"])
        assert ours["image_BCHW"].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("batch_size", [3, 9])  # whole ones alone; one that is not full
def test_a_resumed_epoch_goes_on_as_the_loader_does(
    tmp_path: Path, folder: Path, batch_size: int
) -> None:
    found = []
    for held in (True, False):
        data = a_data(tmp_path / "phantom", folder, device_cache=held, batch_size=batch_size)
        data.first_batch = 1 if batch_size == 3 else 0
        loader = data.train_dataloader()
        found.append([batch["index_B"].tolist() for batch in loader])
        assert len(loader) == len(found[-1]) + data.first_batch
    assert found[0] == found[1]
    assert found[0]


def test_epochs_differ_and_repeat(tmp_path: Path, folder: Path) -> None:
    data = a_data(tmp_path / "phantom", folder, device_cache=True)
    first, again, other = (batches(data, epoch) for epoch in (0, 0, 1))
    same = [
        torch.equal(a["image_BCHW"], b["image_BCHW"]) for a, b in zip(first, again, strict=True)
    ]
    assert all(same)
    assert not torch.equal(first[0]["image_BCHW"], other[0]["image_BCHW"])


def test_what_works_on_the_cpu_alone_is_refused(tmp_path: Path, folder: Path) -> None:
    plain = Augmentation(transforms=[])
    data = a_data(tmp_path / "phantom", folder, device_cache=True, augmentation=plain)
    with pytest.raises(SegkitError) as caught:
        data.train_dataloader()
    assert "augment=device_light" in caught.value.remedy


def test_the_eight_ways_to_lay_a_square_are_equally_likely() -> None:
    augment = DeviceAugmentation(transforms=[QuarterTurns()])
    image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    found: Counter[bytes] = Counter()
    for seed in range(1600):
        drawn, mask = augment(image, image[..., 0], seed=seed)
        np.testing.assert_array_equal(drawn[..., 0], mask)
        found[mask.tobytes()] += 1
    # 200 each, standard deviation 13.2.
    assert len(found) == 8
    assert all(abs(count - 200) < 66 for count in found.values())


def test_brightness_and_contrast_are_their_formula() -> None:
    change = BrightnessContrast(brightness=0.2, contrast=0.2, p=1.0)
    image_BCHW = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(2, 3, 1, 1)
    mask_BHW = torch.zeros(2, 16, 16, dtype=torch.uint8)
    drawn, mask = change.apply(image_BCHW, mask_BHW, [(1.0, 0.0), (1.2, -30.0)])
    assert torch.equal(drawn[0], image_BCHW[0])
    expected = np.clip(np.rint(1.2 * np.arange(256) - 30), 0, 255)
    np.testing.assert_array_equal(drawn[1, 0].flatten().numpy(), expected)
    assert torch.equal(mask, mask_BHW)
    rng = np.random.default_rng(0)
    draws = np.array([change.draw(rng, square=True) for _ in range(2000)])
    assert draws[:, 0].min() == pytest.approx(0.8, abs=0.01)
    assert draws[:, 0].max() == pytest.approx(1.2, abs=0.01)
    assert np.abs(draws[:, 1]).max() == pytest.approx(51, abs=1)
    never = BrightnessContrast(brightness=0.2, contrast=0.2, p=0.0)
    assert never.draw(rng, square=True) == (1.0, 0.0)


def test_what_else_is_in_the_batch_does_not_matter() -> None:
    steps: list[Any] = [QuarterTurns(), BrightnessContrast(brightness=0.2, contrast=0.2, p=0.5)]
    augment = DeviceAugmentation(transforms=steps)
    image_BCHW = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    mask_BHW = image_BCHW[:, 0]
    together, masks = augment.batch(image_BCHW, mask_BHW, seeds=range(6))
    for i in range(6):
        alone, mask = augment.batch(image_BCHW[i : i + 1], mask_BHW[i : i + 1], seeds=[i])
        assert torch.equal(together[i], alone[0])
        assert torch.equal(masks[i], mask[0])


def test_the_callers_random_numbers_are_left_alone() -> None:
    augment = DeviceAugmentation(transforms=[QuarterTurns()])
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    augment(np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8), np.uint8), seed=5)
    assert torch.equal(torch.rand(3), expected)
