"""What predict writes of an image's objects: labels, their measures, and files for other programs.

Each file appears whole or not at all. Labels and the foreground lie on disk until the image is
done: what is measured may reach over any number of bands.
"""

import colorsys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.files import atomic_path
from segkit.core.tables import row_text
from segkit.drawing.contours import brightened, draw_contours
from segkit.imaging.bands import Opened
from segkit.imaging.channels import as_rgb
from segkit.inference.band_files import Png, Tiff
from segkit.inference.names import Input
from segkit.inference.objects.coco import annotations, compact
from segkit.inference.objects.geojson import write_geojson
from segkit.inference.objects.label_files import RowStore, label_suffix, write_labels
from segkit.inference.objects.measure import table_rows
from segkit.inference.objects.of_image import measure_objects
from segkit.inference.objects.roi import write_rois
from segkit.inference.outputs import LARGEST_OVERLAY
from segkit.inference.runlength import encode_labels
from segkit.inference.wanted import Wanted

# Background is black. Turned by the golden ratio, hues of neighbours in number are far apart.
PALETTE = np.array(
    [
        (0, 0, 0),
        *(
            [round(255 * part) for part in colorsys.hsv_to_rgb(turn * 0.618034 % 1, 0.8, light)]
            for turn, light in zip(range(255), (1.0, 0.8, 0.6) * 85, strict=True)
        ),
    ],
    np.uint8,
)


class ObjectFiles:
    """The files of one image's objects, written from the top down; use it as a context manager.

    Args:
        wanted: which.
        one: the input.
        image: its pixels.
        planes: of the probability; the first is the foreground's.
        name: of the class.

    Attributes:
        suffix: of the mask's name; it depends on the number of objects.
    """

    suffix = ""

    def __init__(self, wanted: Wanted, one: Input, image: Opened, planes: int, name: str) -> None:
        self._wanted, self._one, self._image, self._name = wanted, one, image, name
        self._size, self._planes = image.size, planes
        self._stack = ExitStack()
        self._step = -(-max(image.size) // LARGEST_OVERLAY)
        self._drawn: list[tuple[NDArray[np.uint8], NDArray[np.int32]]] = []

    def __enter__(self) -> Self:
        names = self._wanted.files(self._one.name)
        folder, width = names.pop("mask").parent, self._size[1]
        with ExitStack() as stack:
            self._paths = {k: stack.enter_context(atomic_path(v)) for k, v in names.items()}
            self._labels = stack.enter_context(RowStore(folder, width))
            self._foreground = stack.enter_context(RowStore(folder, width, "float32"))
            self._probability = self._colour = None
            if "probability" in self._paths:
                whole = (self._planes, *self._size)
                self._probability = Tiff(self._paths["probability"], whole, "float16")
                stack.callback(self._probability.close)
            if "colour" in self._paths:
                self._colour = Png(self._paths["colour"], self._size, palette=PALETTE)
                stack.callback(self._colour.close)
            self._stack = stack.pop_all()
        return self

    def add(
        self,
        top: int,
        image: NDArray[np.uint8] | None,
        mask: NDArray[np.int32],
        probability: NDArray[np.float32] | None,
    ) -> None:
        """Write a band: the next rows of labels (h, W), and what else is wanted.

        Args:
            top: number of its first row.
            image: (h, W) or (h, W, C) uint8, for the overlay.
            mask: (h, W) int32 labels, 0 is background.
            probability: (K, h, W).
        """
        assert probability is not None
        self._labels.add(mask)
        self._foreground.add(probability[0])
        if self._colour is not None:
            shown = np.where(mask > 0, (mask - 1) % (len(PALETTE) - 1) + 1, 0)
            self._colour.add(top, shown.astype(np.uint8)[None])
        if self._probability is not None:
            self._probability.add(top, probability.astype(np.float16))
        if image is not None:
            step = self._step
            here = slice(-top % step, None, step), slice(None, None, step)
            self._drawn.append((as_rgb(image[here]), mask[here].copy()))

    def finish(self) -> None:
        """Write what needs the whole image."""
        labels, paths = self._labels, self._paths
        size = self._one.pixel_size() or self._wanted.pixel_size
        self._write_mask(size)
        found = measure_objects(labels, self._image, self._foreground, size)
        table = ((self._one.name, *row.values()) for row in table_rows(found))
        _write_rows(paths["objects"], [("image", *found)], table)
        if "rois" in paths:
            write_rois(paths["rois"], labels)
        if "geojson" in paths:
            write_geojson(paths["geojson"], labels, measurements=found, kind=self._name)
        if "coco" in paths:
            with paths["coco"].open("w", encoding="utf-8") as stream:
                stream.writelines(f"{compact(one)}\n" for one in annotations(labels))
        if "rle" in paths:
            _write_rows(paths["rle"], ((self._one.name, text) for text in encode_labels(labels)))
        if "overlay" in paths:
            _draw(paths["overlay"], self._drawn)

    def _write_mask(self, size: tuple[float, float] | None) -> None:
        self.suffix = label_suffix(self._labels, self._wanted.format)
        target = self._wanted.mask(self._one.name, self.suffix)
        path = self._stack.enter_context(atomic_path(target))
        write_labels(path, self._labels, pixel_size=size)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)


def _write_rows(path: Path, *parts: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        for rows in parts:
            stream.writelines(map(row_text, rows))


def _draw(path: Path, drawn: Sequence[tuple[NDArray[np.uint8], NDArray[np.int32]]]) -> None:
    image, labels = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    done, data = cv2.imencode(".jpg", draw_contours(brightened(image), labels)[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())
