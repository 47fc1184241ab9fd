"""A data set in folders, and what is read of its masks."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segkit.data.readers.folder import Folder

TWO = ("background", "foreground")
SHAPE = np.array([[0, 0, 1, 1], [0, 1, 1, 0]], np.uint8)
IMAGE = np.random.default_rng(0).integers(0, 255, (2, 4, 3)).astype(np.uint8)


def save(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def tree(root: Path, pairs: dict[str, str | None], mask: NDArray[Any] = SHAPE * 255) -> Path:
    """Write image files, each with its mask file or None."""
    for image, truth in pairs.items():
        save(root / image, IMAGE)
        if truth is not None:
            save(root / truth, mask)
    return root


def read_mask(root: Path, mask: NDArray[Any], **settings: Any) -> NDArray[np.uint8] | None:
    reader = Folder(
        tree(root, {"images/a.png": "masks/a.png"}, mask), **{"classes": TWO, **settings}
    )
    return reader.read(reader.listing().records[0]).mask
