"""Label images and planes that tests of several parts stand on."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segkit.tasks.instance.targets import encode
from segkit.tasks.instance.task import InstanceTask

TASK = InstanceTask(["background", "nucleus"])
FITTED = InstanceTask(["background", "nucleus"], auto=InstanceTask.keys)


def discs(
    *circles: tuple[int, int, int], size: tuple[int, int] = (48, 64), ids: tuple[int, ...] = ()
) -> NDArray[np.int32]:
    """Discs of (row, column, radius), numbered 1, 2, … or by ``ids``; a later one lies on top."""
    rows, columns = np.indices(size)
    labels = np.zeros(size, np.int32)
    for n, (row, column, radius) in enumerate(circles):
        inside = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        labels[inside] = ids[n] if ids else n + 1
    return labels


def sure(labels_HW: NDArray[np.int32]) -> Tensor:
    """(3, H, W) logits of a network that knows the truth, and is as sure as it may be."""
    return torch.logit(torch.from_numpy(encode(labels_HW)), eps=1e-4)


def random_maps(seed: int, size: tuple[int, int] = (64, 72)) -> NDArray[np.float32]:
    """(3, H, W) 0…1 of blobs with holes, islands in the holes, and crumbs."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(size)
    waves = [
        np.sin(x / rng.uniform(2, 6) + rng.uniform(0, 6)) * np.sin(y / rng.uniform(2, 6))
        for _ in range(3)
    ]
    maps = np.stack(waves) / 2 + 0.5 + rng.normal(0, 0.12, (3, *size))
    maps[1] /= 3
    return np.clip(maps, 0, 1).astype(np.float32)
