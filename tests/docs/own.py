"""A user's own images and masks, as a document's command asks for them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import yaml
from numpy.typing import NDArray
from skimage import measure

from segkit.data.readers.phantom import draw_nuclei
from tests.data.readers.dsb2018_files import save

SIDE = 64  # pixels
MICROMETRES = 0.5  # of a pixel
Labels = NDArray[np.int32]


def nuclei(number: int) -> tuple[NDArray[np.uint8], Labels]:
    """An image and its labels, each in one piece, and numbered on from image to image."""
    image, labels = draw_nuclei(np.random.default_rng(number), kind="fluorescence", size=SIDE)
    pieces = measure.label(labels, connectivity=2).astype(np.int32)
    return image, np.where(pieces, pieces + 50 * number, 0)


def write_image(path: Path, number: int) -> None:
    """Grey; a TIFF says how large a pixel is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = nuclei(number)[0][..., 0]
    if path.suffix != ".tif":
        save(path, pixels)
        return
    size: dict[str, Any] = {"resolution": (1 / MICROMETRES,) * 2, "metadata": {"unit": "um"}}
    tifffile.imwrite(path, pixels, imagej=True, **size)


def _start(pattern: str) -> str:
    """The start of a name that a pattern finds, such as "^(P[0-9]+)_", its number left open."""
    plain = re.sub(r"[\^()$]", "", pattern)
    return re.sub(r"((\[[^\]]*\]|\\\w|\.)[+*]?\??)+", "{}", plain)


@dataclass(frozen=True)
class Own:
    """A user's own images and masks, as a command asks for them."""

    objects: bool = False
    values: tuple[int, ...] = (0, 255)
    images: str = "images"
    masks: str = "masks"
    manifest: str = ""
    group: str = ""
    suffix: str = ".tif"

    @classmethod
    def asked_for(cls, text: str, page: str) -> "Own":
        """By keys in a command or a script, and by names of files on the page."""

        def key(name: str) -> str:
            found = re.search(rf"\b{name}=(?:\"([^\"]*)\"|(\{{.*?\}}|[^\s'\"\]]+))", text)
            return (found[1] or found[2]) if found else ""

        classes = re.search(r"dataset\.classes=\[(.*?)\]", text)
        values = yaml.safe_load(key("mask_values") or "{0: 0, 255: 1}")
        if classes and not key("mask_values"):
            values = range(classes[1].count(",") + 1)
        return cls(
            objects=key("task") == "instance" and key("labels") != "components",
            values=tuple(values),
            images=key("dataset.images") or "images",
            masks=key("dataset.masks") or "masks",
            manifest=key("manifest"),
            group=_start(key("group_pattern")),
            suffix=(re.findall(r"mydata/images/\w+(\.\w+)", page) or [".tif"])[0],
        )

    def write(self, root: Path, *, first: int = 0, count: int = 12) -> None:
        """Two images a group; of several classes each nucleus has one."""
        (root / self.masks).mkdir(parents=True)
        rows = ["image,mask,id,group,scanner"]
        for number in range(count):
            labels = nuclei(first + number)[1]
            name = f"{self.group.format(number // 2)}{chr(ord('a') + number)}{self.suffix}"
            write_image(root / self.images / name, first + number)
            values = np.array(self.values, np.uint8)
            classes = values[np.where(labels, 1 + labels % (len(values) - 1), 0)]
            mask = labels.astype(np.uint16) if self.objects else classes
            save(root / self.masks / name, mask)
            scanner = f"scanner{number % 3}"
            row = (f"{self.images}/{name}", f"{self.masks}/{name}", name, number // 2, scanner)
            rows.append(",".join(map(str, row)))
        if self.manifest:
            (root / self.manifest).write_text("\n".join([*rows, ""]), "utf-8")
