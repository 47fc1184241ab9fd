"""What predict writes of a volume: a mask on its own grid, and a contact sheet of its slices."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.files import atomic_path
from segkit.drawing.overlay import overlay
from segkit.imaging.channels import as_rgb
from segkit.imaging.nifti import write_mask
from segkit.imaging.tiff_volume import write_stack
from segkit.inference.dicom_seg import DicomSeg
from segkit.inference.names import STACK, Input
from segkit.inference.outputs import LARGEST_OVERLAY
from segkit.inference.volumes import VolumeRows
from segkit.inference.wanted import Wanted

Bytes = NDArray[np.uint8]
# Of a contact sheet.
_COLUMNS, _ROWS = 6, 4


class VolumeFiles:
    """The files of one volume; use it as a context manager.

    Args:
        wanted: which.
        one: the input.
        volume: its pixels.
        seg: writes a DICOM-SEG, if it is wanted.

    Attributes:
        suffix: of the mask's name.
    """

    def __init__(
        self, wanted: Wanted, one: Input, volume: VolumeRows, seg: DicomSeg | None = None
    ) -> None:
        self.suffix, self._volume, self._stack = one.mask, volume, ExitStack()
        self._seg = seg
        self._names = wanted.files(one.name, self.suffix)
        self._values = np.zeros(256, np.uint8)
        self._values[: len(wanted.values)] = wanted.values
        self._classes = np.zeros(volume.size, np.uint8)
        count = min(volume.slices, _COLUMNS * _ROWS)
        self._shown = np.linspace(0, volume.slices - 1, count).round().astype(int).tolist()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._paths = {k: stack.enter_context(atomic_path(v)) for k, v in self._names.items()}
            self._stack = stack.pop_all()
        return self

    def add(
        self, top: int, image: Bytes | None, mask: Bytes, probability: NDArray[np.float32] | None
    ) -> None:
        """Take the next rows of classes (h, W), of slices one below the other."""
        del image, probability
        self._classes[top : top + len(mask)] = mask

    def finish(self) -> None:
        """Write what needs the whole volume."""
        volume = self._volume
        classes = self._classes.reshape(volume.slices, *volume.plane)
        opened, stored = volume.files[0].open, self._values[classes]
        if self.suffix == STACK:
            write_stack(self._paths["mask"], stored)
        else:
            write_mask(self._paths["mask"], opened, stored, volume.slicing)
        if "dicom_seg" in self._paths:
            assert self._seg is not None
            self._seg.write(self._paths["dicom_seg"], classes)
        if "overlay" in self._paths:
            done, data = cv2.imencode(".jpg", self._sheet(classes)[..., ::-1])
            assert done
            self._paths["overlay"].write_bytes(data.tobytes())

    def _sheet(self, classes: Bytes) -> Bytes:
        """Up to 24 slices, evenly spread, from the first in rows from left to right."""
        step = -(-max(self._volume.plane) * _COLUMNS // LARGEST_OVERLAY)
        drawn = []
        for number in self._shown:
            image = as_rgb(self._volume.image(number)[::step, ::step])
            drawn.append(overlay(image, np.ascontiguousarray(classes[number, ::step, ::step])))
        columns = min(len(drawn), _COLUMNS)
        drawn += [np.zeros_like(drawn[0])] * (-len(drawn) % columns)
        rows = [np.hstack(drawn[at : at + columns]) for at in range(0, len(drawn), columns)]
        return np.asarray(np.vstack(rows), np.uint8)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)
