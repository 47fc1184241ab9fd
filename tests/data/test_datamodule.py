"""The datamodule: splits, loaders and panels."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import albumentations
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from segkit.core.contracts import Batch
from segkit.core.errors import SegkitError
from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.readers.base import Reader
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.readers.folder import Folder
from segkit.data.split_file import split_hash
from segkit.data.splits import SplitSpec


def make(reader: Reader, cache_dir: Path, **changed: Any) -> SegmentationData:
    settings: dict[str, Any] = {
        "name": "set",
        "split": SplitSpec(val=0.25, test=0.25),
        "augmentation": Augmentation(transforms=[]),
        "size": (32, 32),
        "crop": None,
        "channels": 3,
        "batch_size": 4,
        "num_workers": "auto",
        "score_by": "image",
        "score_at": "native",
        "on_bad_record": "error",
        "panel_ids": None,
        "panel_count": 3,
        "seed": 0,
    }
    return SegmentationData(reader=reader, cache_dir=cache_dir, **{**settings, **changed})


def prepared(reader: Reader, cache_dir: Path, **changed: Any) -> SegmentationData:
    data = make(reader, cache_dir, **changed)
    data.prepare_data()
    return data


@pytest.fixture
def phantoms(phantom_root: Path) -> Dsb2018:
    return Dsb2018(phantom_root)


def pairs(root: Path, count: int = 8, size: int = 32) -> Folder:
    """Images a, b, … with masks of 0 and 255."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
        for name in "abcdefghijkl"[:count]:
            pixels = rng.integers(0, 2, (size, size)).astype(np.uint8) * 255
            Image.fromarray(pixels).save(root / kind / f"{name}.png")
    return Folder(root, classes=["background", "cell"])


def test_stages_are_disjoint_and_together_everything(phantoms: Dsb2018, cache_dir: Path) -> None:
    data = prepared(phantoms, cache_dir)
    parts = [data.indices(stage) for stage in ("train", "val", "test")]
    assert [len(part) for part in parts] == [6, 3, 3]
    assert sorted(itertools.chain(*parts)) == data.indices("all") == list(range(12))
    table = data.split_csv().splitlines()
    assert table[0] == "id,group,split,stratum"
    assert [row.split(",")[0] for row in table[1:]] == [record.id for record in data.records]
    assert {row.split(",")[3] for row in table[1:]} == {"fluorescence", "brightfield", "stained"}
    assert data.split_digest() == split_hash(data.split_csv())
    assert prepared(phantoms, cache_dir).split_csv() == data.split_csv()
    other = prepared(phantoms, cache_dir, split=SplitSpec(val=0.25, test=0.25, seed=1))
    assert other.split_csv() != data.split_csv()


def test_images_without_a_mask_are_listed_and_never_loaded(own_root: Path, cache_dir: Path) -> None:
    bare = own_root / "stage1_test" / "bare" / "images"
    bare.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(bare / "bare.png")
    data = prepared(Dsb2018(own_root), cache_dir)
    assert "bare,bare,unlabelled," in data.split_csv()
    position = [record.id for record in data.records].index("bare")
    assert position not in data.indices("all")


def test_a_data_set_without_masks_is_refused(own_root: Path, cache_dir: Path) -> None:
    for mask in own_root.glob("*/masks/*.png"):
        mask.unlink()
    with pytest.raises(SegkitError, match="no record has a mask"):
        prepared(Dsb2018(own_root), cache_dir)


def test_groups_are_what_is_scored(tmp_path: Path, cache_dir: Path) -> None:
    pairs(tmp_path / "set")
    reader = Folder(tmp_path / "set", classes=["a", "b"], group_pattern="([a-d]|[e-h])")
    data = prepared(reader, cache_dir)
    assert data.groups([0, 1]) == ["a", "b"]
    table = tmp_path / "list.csv"
    rows = [f"images/{n}.png,masks/{n}.png,{i // 2}" for i, n in enumerate("abcdefgh")]
    table.write_text("\n".join(["image,mask,group", *rows]))
    reader = Folder(tmp_path / "set", classes=["a", "b"], manifest=str(table))
    data = prepared(reader, cache_dir, score_by="group")
    assert data.groups([0, 1, 2]) == ["0", "0", "1"]
    data = prepared(reader, cache_dir, score_by="image")
    assert data.groups([0, 1]) == ["images/a", "images/b"]


def batches(loader: DataLoader[Any]) -> list[Batch]:
    return list(loader)


class Everything(Augmentation):
    """Turns every image black, so that no augmented one goes unseen."""

    def __call__(self, image: Any, mask: Any, **_: Any) -> tuple[Any, Any]:
        return np.zeros_like(image), np.zeros_like(mask)


@pytest.mark.parametrize("score_at", ["native", "network"])
def test_only_training_is_augmented(phantoms: Dsb2018, cache_dir: Path, score_at: str) -> None:
    black = Everything(transforms=[])
    data = prepared(phantoms, cache_dir, augmentation=black, crop=(8, 8), score_at=score_at)
    assert all(not batch["image_BCHW"].any() for batch in batches(data.train_dataloader()))
    for stage, loader in (("val", data.val_dataloader()), ("test", data.test_dataloader())):
        seen = []
        for batch in batches(loader):
            for number, index in enumerate(batch["index_B"].tolist()):
                record = data.records[index]
                image = batch["image_BCHW"][number].permute(1, 2, 0).numpy()
                np.testing.assert_array_equal(image, data.cache.image(record.id))
                mask = batch["mask_BHW"][number].numpy()
                np.testing.assert_array_equal(mask, data.cache.mask(record.id))
                if "native" in batch:
                    native = batch["native"][number].numpy()
                    np.testing.assert_array_equal(native, phantoms.read(record).mask)
                seen.append(index)
            assert ("native" in batch) == (stage == "test" and score_at == "native")
            assert batch["image_BCHW"].is_contiguous(memory_format=torch.channels_last)
        assert seen == data.indices(stage), "each once, in order"


def test_a_last_batch_that_is_not_full_is_left_out_unless_it_is_all(
    phantoms: Dsb2018, cache_dir: Path
) -> None:
    sizes = {
        size: [
            len(batch["index_B"])
            for batch in batches(prepared(phantoms, cache_dir, batch_size=size).train_dataloader())
        ]
        for size in (2, 4, 5, 6, 16)
    }
    assert sizes == {2: [2, 2, 2], 4: [4], 5: [5], 6: [6], 16: [6]}


def odd_sizes(root: Path) -> Folder:
    reader = pairs(root)
    for number, name in enumerate("abcdefgh"):
        for kind in ("images", "masks"):
            Image.new("L", (40 + number, 33), 255).save(root / kind / f"{name}.png")
    return reader


def test_images_of_their_own_size_come_one_by_one(tmp_path: Path, cache_dir: Path) -> None:
    data = prepared(odd_sizes(tmp_path / "set"), cache_dir, size=None, channels=1)
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        for batch in batches(loader):
            (index,) = batch["index_B"].tolist()
            assert batch["image_BCHW"].shape == (1, 1, 33, 40 + index)


def test_with_a_crop_training_comes_in_batches(tmp_path: Path, cache_dir: Path) -> None:
    reader = odd_sizes(tmp_path / "set")
    data = prepared(reader, cache_dir, size=None, crop=(16, 24), channels=1)
    (batch,) = batches(data.train_dataloader())
    assert batch["image_BCHW"].shape == (4, 1, 16, 24)
    assert batch["mask_BHW"].shape == (4, 16, 24)
    assert all(len(batch["index_B"]) == 1 for batch in batches(data.val_dataloader()))
    with pytest.raises(SegkitError, match="40×33 pixels is smaller than the crop") as caught:
        prepared(reader, cache_dir, size=None, crop=(34, 24))
    assert caught.value.where == "record a"


def test_loaders_do_not_draw_from_the_global_generator(phantoms: Dsb2018, cache_dir: Path) -> None:
    flip = Augmentation(transforms=[albumentations.HorizontalFlip(p=0.5)])
    for workers in (0, 1):
        data = prepared(phantoms, cache_dir, augmentation=flip, num_workers=workers)
        before = torch.get_rng_state(), repr(np.random.get_state())
        batches(data.train_dataloader())
        batches(data.val_dataloader())
        assert torch.equal(torch.get_rng_state(), before[0])
        assert repr(np.random.get_state()) == before[1]


def test_panels_spread_over_strata(phantoms: Dsb2018, cache_dir: Path) -> None:
    half = SplitSpec(val=0.5, test=0)
    data = prepared(phantoms, cache_dir, split=half, panel_count=3)
    assert set(data.panel_indices()) <= set(data.indices("val"))
    strata = [data.records[index].stratum for index in data.panel_indices()]
    assert Counter(strata) == {"fluorescence": 1, "brightfield": 1, "stained": 1}
    many = prepared(phantoms, cache_dir, split=half, panel_count=99)
    assert sorted(many.panel_indices()) == data.indices("val")


def test_panels_may_be_named(phantoms: Dsb2018, cache_dir: Path) -> None:
    first = prepared(phantoms, cache_dir)
    names = [first.records[index].id for index in first.indices("val")[::-1]]
    data = prepared(phantoms, cache_dir, panel_ids=names)
    assert data.panel_indices() == first.indices("val")[::-1]
    wrong = [names[0], first.records[first.indices("test")[0]].id]
    with pytest.raises(SegkitError, match="are not validation records") as caught:
        prepared(phantoms, cache_dir, panel_ids=wrong).panel_indices()
    assert wrong[1] in caught.value.what
    assert names[0] not in caught.value.what
