"""A task that trains in no time: a network of two layers, twelve phantoms, a bare trainer."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import albumentations
import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn

from segkit.data.augment import Augmentation
from segkit.data.datamodule import SegmentationData
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.splits import SplitSpec
from segkit.models.network import wrap
from segkit.tasks.losses import CrossEntropyDice
from segkit.tasks.semantic.task import SemanticTask
from segkit.training.module import SegmentationModule
from segkit.training.schedules import constant

MakeData = Callable[..., SegmentationData]

WARNINGS = [
    # Advice of Lightning's that the command leaves out too, and a notice of torch's to Lightning.
    pytest.mark.filterwarnings("ignore:.*does not have many workers.*"),
    pytest.mark.filterwarnings("ignore:.*number of training batches.*"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated"),
]


class TinyUnet(nn.Module):
    """An encoder with batch norm, and one layer that draws."""

    stride = 4

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.head = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(image_BCHW))
        return logits


class Watch(pl.Callback):
    """Remembers each step's loss, and the state of the encoder in each epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.encoder: list[dict[str, Any]] = []

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        del trainer, batch, batch_idx
        self.losses.append(float(outputs["loss"]))
        encoder = pl_module.network.encoder
        learns = {parameter.requires_grad for parameter in encoder.parameters()}
        modes = {module.training for module in encoder.modules()}
        state = {key: value.clone() for key, value in encoder.state_dict().items()}
        self.encoder.append({"learns": learns, "trains": modes, "state": state})


def phantom_data(root: Path, caches: Path, **changes: Any) -> SegmentationData:
    settings: dict[str, Any] = {
        "reader": Dsb2018(root),
        "name": "phantom",
        "split": SplitSpec(val=0.25, test=0.25),
        "augmentation": Augmentation(transforms=[albumentations.HorizontalFlip(p=0.5)]),
        "size": (32, 32),
        "crop": None,
        "channels": 3,
        "batch_size": 3,
        "num_workers": 0,
        "score_by": "image",
        "score_at": "native",
        "on_bad_record": "error",
        "cache_dir": caches,
        "panel_ids": None,
        "panel_count": 2,
        "seed": 0,
    }
    return SegmentationData(**(settings | changes))


def make_task(*, seed: int = 0, lr: float = 1e-2, **changes: Any) -> SegmentationModule:
    torch.manual_seed(seed)
    classes = changes.pop("classes", ("background", "nucleus"))
    threshold = changes.pop("threshold", 0.5)
    settings: dict[str, Any] = {
        "task": SemanticTask(classes, threshold=threshold),
        "network": wrap(TinyUnet(), 3),
        "loss": CrossEntropyDice(entropy_weight=1.0, dice_weight=1.0, smooth=1.0, per_image=False),
        "optimizer": partial(torch.optim.AdamW, lr=lr),
        "schedule": constant,
        "freeze_encoder": 0,
    }
    return SegmentationModule(**(settings | changes))


def make_trainer(epochs: int = 2, *callbacks: pl.Callback, **changes: Any) -> pl.Trainer:
    settings: dict[str, Any] = {
        "accelerator": "cpu",
        "max_epochs": epochs,
        "callbacks": list(callbacks),
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "use_distributed_sampler": False,
        "num_sanity_val_steps": 0,
    }
    return pl.Trainer(**(settings | changes))
