"""Masks as they come: labels, colours, palettes, soft edges, JPEG; and what a remedy types."""

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray
from omegaconf import OmegaConf
from PIL import Image

from segkit.data.readers.base import Reader
from segkit.runs.build import build_reader

CONF = Path(__file__).parents[2] / "conf"
SIDE = 48
Truth = NDArray[np.bool_] | NDArray[np.integer]
Files = dict[str, bytes]

TYPED = re.compile(r"'([a-z_.]+=[^']*)'|\b([a-z_]+\.[a-z_.]+=[^\s;,)]+)")


def typed(remedy: str) -> list[list[str]]:
    """The arguments of each way out that a remedy names."""
    ways = re.split(r"; |, (?=')", remedy)
    return [found for way in ways if (found := [a or b for a, b in TYPED.findall(way)])]


def replaced(given: Sequence[str], way: Sequence[str]) -> list[str]:
    """The arguments with those that were told in place of what stood there."""
    keys = {argument.split("=", 1)[0] for argument in way}
    return [each for each in given if each.split("=", 1)[0] not in keys] + list(way)


def reader_of(root: Path, *given: str) -> Reader:
    """As a command with these arguments reads it."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("check", ["dataset=folder", f"dataset.root={root}", *given])
    resolved = OmegaConf.to_container(config, resolve=True)
    assert isinstance(resolved, dict)
    return build_reader({str(key): value for key, value in resolved.items()})


def placed(root: Path, masks: Files) -> Path:
    """A data set: each mask with an image."""
    for name, data in masks.items():
        (root / "images").mkdir(parents=True, exist_ok=True)
        (root / "masks").mkdir(exist_ok=True)
        image = Image.new("L", (SIDE, SIDE), 90)
        image.save(root / "images" / f"{Path(name).stem}.png")
        (root / "masks" / name).write_bytes(data)
    return root


def read(reader: Reader) -> list[NDArray[np.uint8]]:
    masks = [reader.read(record).mask for record in reader.listing().records]
    return [mask for mask in masks if mask is not None]


def png(pixels: NDArray[np.generic], palette: Sequence[int] | None = None) -> bytes:
    out = BytesIO()
    picture = Image.fromarray(pixels)
    if palette is not None:
        picture = Image.frombytes("P", pixels.shape[::-1], pixels.astype(np.uint8).tobytes())
        picture.putpalette(list(palette))
    picture.save(out, "PNG")
    return out.getvalue()


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def tif(pixels: NDArray[np.generic]) -> bytes:
    out = BytesIO()
    tifffile.imwrite(out, pixels)
    return out.getvalue()


def ids(first: int = 1, count: int = 30) -> NDArray[np.uint16]:
    """Objects of 6 by 6 pixels, each of its own number."""
    labels = np.zeros((SIDE, SIDE), np.uint16)
    for number in range(count):
        row, column = divmod(number, 6)
        labels[8 * row + 1 : 8 * row + 7, 8 * column + 1 : 8 * column + 7] = first + number
    return labels


def bars(*values: int) -> NDArray[np.uint8]:
    """Upright bars, one a value; the first is all the rest."""
    mask = np.full((SIDE, SIDE), values[0], np.uint8)
    for number, value in enumerate(values[1:]):
        mask[:, 10 * number + 2 : 10 * number + 10] = value
    return mask


def soft(top: float = 255) -> NDArray[np.float64]:
    """A disc with antialiased edges."""
    far = np.hypot(*(np.mgrid[-24:24, -24:24] + np.array([0.3, 0.1])[:, None, None]))
    return np.asarray(np.clip(14.5 - far, 0, 1) * top)


def few() -> NDArray[np.uint8]:
    """A disc whose edges have three values."""
    return (soft(4).round() * 63.75).astype(np.uint8)


def decoded(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(data)))


def painted(*colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bars of colour on black."""
    palette = np.stack([np.zeros(3, np.uint8), *colours])
    return palette[bars(*range(len(colours) + 1))]


def rainbow(labels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Each id in a colour of its own, the background black."""
    colours = np.random.default_rng(1).integers(0, 256, (labels.max() + 1, 3)).astype(np.uint8)
    colours[0] = 0
    return colours[labels]
