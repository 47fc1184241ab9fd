"""What predict writes of an image: mask, overlay and probabilities, band by band.

Each file appears whole or not at all; of an image of any height only a band is in memory.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.files import CannotWriteError, atomic_path
from segkit.drawing.overlay import CLASS_COLOURS, overlay
from segkit.imaging.channels import as_rgb
from segkit.inference.band_files import Png, Tiff
from segkit.inference.dicom_seg import DicomSeg
from segkit.inference.wanted import Wanted

Bytes = NDArray[np.uint8]
# A picture for the eye; JPEG itself ends at 65,535.
LARGEST_OVERLAY = 4096


class NotWrittenError(SegkitError):
    """The output cannot be written; every further image would fail in the same way."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tell what the system refuses to write into a folder.

    Raises:
        NotWrittenError: in place of an OSError, such as a full disk.
    """
    try:
        yield
    except CannotWriteError as error:
        raise NotWrittenError(error.what, where=error.where, remedy=error.remedy) from error
    except OSError as error:
        raise NotWrittenError(
            f"the output cannot be written: {error.strerror or error}",
            where=str(folder),
            remedy="make room, or name another output folder; what is done is kept",
        ) from error


class Files:
    """The files of one image, written from the top down; use it as a context manager.

    Args:
        wanted: which.
        stem: of their names.
        size: rows and columns of the image.
        planes: of the probability.
        seg: writes a DICOM-SEG, if it is wanted.

    Attributes:
        suffix: of the mask's name.
    """

    def __init__(
        self,
        wanted: Wanted,
        stem: str,
        size: tuple[int, int],
        planes: int,
        seg: DicomSeg | None = None,
    ) -> None:
        self._names, self._size = wanted.files(stem), size
        self._seg, self._classes = seg, list[Bytes]()
        self.suffix = self._names["mask"].suffix
        self._planes, self._stack = planes, ExitStack()
        self._values = np.zeros(256, np.uint8)
        self._values[: len(wanted.values)] = wanted.values
        self._drawn: list[Bytes] = []
        self._step = -(-max(size) // LARGEST_OVERLAY)

    def __enter__(self) -> "Files":
        with ExitStack() as stack:
            paths = {k: stack.enter_context(atomic_path(v)) for k, v in self._names.items()}
            mask = paths["mask"]
            png = mask.suffix == ".png"
            self._mask = Png(mask, self._size) if png else Tiff(mask, (1, *self._size), "uint8")
            stack.callback(self._mask.close)
            self._probability = None
            if "probability" in paths:
                whole = (self._planes, *self._size)
                self._probability = Tiff(paths["probability"], whole, "float16")
                stack.callback(self._probability.close)
            self._colour = None
            if "colour" in paths:
                self._colour = Png(paths["colour"], self._size, palette=CLASS_COLOURS)
                stack.callback(self._colour.close)
            self._overlay, self._object = paths.get("overlay"), paths.get("dicom_seg")
            self._stack = stack.pop_all()
        return self

    def add(
        self, top: int, image: Bytes | None, mask: Bytes, probability: NDArray[np.float32] | None
    ) -> None:
        """Write a band: the next rows of classes (h, W), and what else is wanted.

        Args:
            top: number of its first row.
            image: (h, W) or (h, W, C) uint8, for the overlay.
            mask: (h, W) uint8 class indices.
            probability: (K, h, W).
        """
        self._mask.add(top, self._values[mask][None])
        if self._colour is not None:
            # As everywhere else: after the last colour, from the first that is not background's.
            span = len(CLASS_COLOURS) - 1
            shown = np.where(mask > 0, (mask.astype(np.int16) - 1) % span + 1, 0)
            self._colour.add(top, shown.astype(np.uint8)[None])
        if self._probability is not None and probability is not None:
            self._probability.add(top, probability.astype(np.float16))
        if self._object is not None:
            self._classes.append(mask)
        if self._overlay is not None and image is not None:
            step = self._step
            here = slice(-top % step, None, step), slice(None, None, step)
            self._drawn.append(np.dstack([as_rgb(image[here]), mask[here]]))

    def finish(self) -> None:
        """Write what needs the whole image."""
        if self._object is not None:
            assert self._seg is not None
            self._seg.write(self._object, np.concatenate(self._classes))
        if self._overlay is not None:
            drawn = np.concatenate(self._drawn)
            picture = overlay(np.ascontiguousarray(drawn[..., :3]), drawn[..., 3])
            done, data = cv2.imencode(".jpg", picture[..., ::-1])
            assert done
            self._overlay.write_bytes(data.tobytes())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)
