"""A network that finds bright discs without having learnt it, and pictures of such."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional


class Bright(nn.Module):
    """What is bright is foreground, and the farther from the dark, the nearer to the middle.

    Args:
        in_channels: of the image.
        out_channels: three planes.
        lift: of the foreground's logit, in which two of these may differ.
    """

    stride = 1

    def __init__(self, *, in_channels: int, out_channels: int, lift: float = 0.0) -> None:
        super().__init__()
        assert (in_channels, out_channels) == (3, 3)
        self.lift, self.scale = lift, nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to logits (B, 3, H, W)."""
        foreground = 6 * (x.mean(dim=1, keepdim=True) + 0.8) + self.lift
        inside = functional.avg_pool2d(foreground.sigmoid(), 7, stride=1, padding=3)
        distance = 20 * (inside - 0.8)
        contact = torch.full_like(foreground, -8)
        return self.scale * torch.cat([foreground, contact, distance], dim=1)


TRAIN = (
    *("task=instance", "model=unet_classic", "model._target_=tests.commands.bright.Bright"),
    *("~model.n_filters", "~model.dropout", "~model.batch_norm"),
    *("allow_targets=[tests.commands.bright.]", "optim.lr=1e-9"),
    *("threshold=0.5", "seed_threshold=0.3", "min_area=10", "halo=128"),
    *("dataset.count=12", "dataset.image_size=64", "dataset.batch_size=4"),
    *("trainer=cpu", "trainer.precision=32-true", "trainer.max_epochs=1"),
    *("trainer.enable_progress_bar=false", "dataset.num_workers=0"),
)


def discs(seed: int, size: tuple[int, int], count: int) -> NDArray[np.float64]:
    """Discs of different brightness on noise, 0…255; some touch, some lie at the edge."""
    random = np.random.default_rng(seed)
    image = random.normal(20, 4, size)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for _ in range(count):
        y, x, radius = random.integers(size[0]), random.integers(size[1]), random.integers(6, 12)
        inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        image[inside] = random.uniform(110, 220)
    return np.clip(image, 0, 255)


ALL = ("rois=true", "geojson=true", "coco=true", "overlay=true")
MORE = ("probability=true", "colour=true", "rle=true")
PREFIX = "tests.commands.bright."


def given(run: Path | str, inputs: Path, output: Path, *more: str) -> list[str]:
    where = [f"run={run}", f"input={inputs}", f"output={output}", f"allow_targets=[{PREFIX}]"]
    return [*where, "device=cpu", "precision=32-true", *more]


def labels_of(path: Path) -> NDArray[Any]:
    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path))
    with Image.open(path) as image:
        assert image.mode == "I;16"
        return np.asarray(image)
