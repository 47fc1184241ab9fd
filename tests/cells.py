"""A small data set of bright squares, in the layout of dataset=folder."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_cells(root: Path, sizes: dict[str, tuple[int, int]]) -> None:
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for name, size in sizes.items():
        mask = np.zeros(size, np.uint8)
        top, left = rng.integers(4, 20, 2)
        mask[top : top + 16, left : left + 16] = 255
        image = (mask[..., None] // 2 + rng.integers(0, 60, (*size, 3))).astype(np.uint8)
        Image.fromarray(image).save(root / "images" / f"{name}.png")
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
