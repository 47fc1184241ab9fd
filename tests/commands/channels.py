"""A folder of images with any number of channels, of which one shows the objects."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

SIDE = 48


def cell(number: int) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[:SIDE, :SIDE]
    row, column = np.random.default_rng(number).integers(12, SIDE - 12, 2)
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 <= 64)


def picture(number: int, channels: int, *, bright: int = 20_000) -> NDArray[np.uint16]:
    """(C, H, W): noise of each channel's own brightness, and the cell in the last."""
    rng = np.random.default_rng(100 + number)
    planes = rng.normal(1000, 60, (channels, SIDE, SIDE))
    planes *= np.arange(1, channels + 1)[:, None, None]
    planes[-1, cell(number)] += bright
    return np.asarray(planes.clip(0, 65535), np.uint16)


def write(path: Path, planes: NDArray[np.uint16], names: list[str] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = {"Labels": names} if names else {}
    tifffile.imwrite(path, planes, imagej=True, metadata={"axes": "CYX", **labels})


def write_folder(root: Path, channels: int, count: int = 12) -> None:
    (root / "masks").mkdir(parents=True)
    for number in range(count):
        write(root / "images" / f"{number:02}.tif", picture(number, channels))
        mask = Image.fromarray(np.where(cell(number), 255, 0).astype(np.uint8))
        mask.save(root / "masks" / f"{number:02}.png")
