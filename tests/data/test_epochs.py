"""What a Trainer is given, epoch by epoch, whatever the number of workers."""

from pathlib import Path

import albumentations
import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn

from segkit.core.contracts import Batch
from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.splits import SplitSpec


def make(root: Path, cache_dir: Path, num_workers: int) -> SegmentationData:
    dim = Augmentation(transforms=[albumentations.RandomBrightnessContrast(p=1)])
    return SegmentationData(
        reader=Dsb2018(root),
        name="set",
        split=SplitSpec(val=0.25, test=0.25),
        augmentation=dim,
        size=(32, 32),
        crop=None,
        channels=3,
        batch_size=3,
        num_workers=num_workers,
        score_by="image",
        score_at="native",
        on_bad_record="error",
        cache_dir=cache_dir,
        panel_ids=None,
        panel_count=3,
        seed=0,
    )


class Watcher(pl.LightningModule):
    """Learns one number, and notes which records each epoch brings and what they look like."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: dict[str, list[list[int]]] = {"train": [], "val": [], "test": []}
        self.pixels: list[float] = []

    def on_train_epoch_start(self) -> None:
        self.seen["train"].append([])

    def on_validation_epoch_start(self) -> None:
        self.seen["val"].append([])

    def on_test_epoch_start(self) -> None:
        self.seen["test"].append([])

    def training_step(self, batch: Batch) -> Tensor:
        self.seen["train"][-1] += batch["index_B"].tolist()
        self.pixels += batch["image_BCHW"].float().mean(dim=(1, 2, 3)).tolist()
        return (self.weight - 1) ** 2

    def validation_step(self, batch: Batch) -> None:
        self.seen["val"][-1] += batch["index_B"].tolist()

    def test_step(self, batch: Batch) -> None:
        self.seen["test"][-1] += batch["index_B"].tolist()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def watched(data: SegmentationData) -> Watcher:
    watcher = Watcher()
    trainer = pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(watcher, datamodule=data)
    trainer.test(watcher, datamodule=data, verbose=False)
    return watcher


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec")
def test_the_trainer_shuffles_and_augments_each_epoch_anew(
    phantom_root: Path, cache_dir: Path
) -> None:
    data = make(phantom_root, cache_dir, 0)
    watcher = watched(data)
    orders = watcher.seen["train"]
    assert [sorted(order) for order in orders] == [data.indices("train")] * 3
    assert len({tuple(order) for order in orders}) == 3, "the epoch does not reach the sampler"
    assert len(set(watcher.pixels)) == 18, "an augmentation came twice"
    assert watcher.seen["val"] == [data.indices("val")] * 3
    assert watcher.seen["test"] == [data.indices("test")]
    for workers in (0, 2):
        again = watched(make(phantom_root, cache_dir, workers))
        assert (again.seen, again.pixels) == (watcher.seen, watcher.pixels)
