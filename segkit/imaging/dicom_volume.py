"""DICOM files of several frames of which each is an image of its own: a volume."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from segkit.core.errors import SegkitError
from segkit.core.limits import check_bytes, check_pixels, most_bytes
from segkit.imaging.dicom import checked, frame, stored_frame, undisclosed
from segkit.imaging.dicom_tables import group_of
from segkit.imaging.dicom_tags import first, numbers, read_tags, storage
from segkit.imaging.formats.base import Open, Picture, Volume

Pixels = NDArray[Any]

_TAGS = (
    *("SOPClassUID", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated"),
    *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)
# Where these end, and how much of a deflated file is unpacked to find them.
_LAST, _INFLATED = 0x52009230, 2**24
# Of a packed frame at the least: the head of the item that it lies in.
_FEWEST = 8
# Deflate makes at most so many bytes of one.
_MOST_PACKED = 1032
_SEGMENTS = "Segmentation Storage"


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The frames of a file, each of which is decoded when it is asked for.

    Attributes:
        tags: of the file, its pixels as they are packed.
        name: what to call it in an error.
        count: of frames.
    """

    tags: Dataset
    name: str
    count: int

    def __len__(self) -> int:
        return self.count

    def picture(self, number: int) -> Picture:
        with undisclosed(self.name):
            return frame(self.tags, number, self.name)

    def indices(self, number: int) -> Pixels:
        with undisclosed(self.name):
            return stored_frame(self.tags, number, self.name)

    def voxels(self) -> tuple[Pixels, float, float]:
        return np.stack([self.picture(number).pixels for number in range(self.count)]), 1.0, 0.0


def open_frames(opened: Open, name: str) -> Volume | None:
    """Read the header of a DICOM file; None of a single frame.

    Args:
        opened: opens the file.
        name: what to call it in an error.

    Raises:
        SegkitError: it is damaged, larger than the bound, or of segments.
    """
    with opened() as stream, undisclosed(name):
        tags = read_tags(stream, _TAGS, name, until=_LAST, inflate=_INFLATED)
        frames = int(first(tags, "NumberOfFrames") or 1)
        if frames <= 1:
            return None
        if storage(tags) == _SEGMENTS:
            raise SegkitError(
                "a DICOM-SEG, whose frames are those of its segments that are not empty",
                where=name,
                remedy="write it as a stack of classes: a TIFF, or NIfTI",
            )
        rows, columns = int(tags.Rows), int(tags.Columns)
        check_pixels(rows, columns, name)
        bits = int(tags.SamplesPerPixel) * int(tags.BitsAllocated)
        check_bytes(frames * rows * columns * bits // 8, "a DICOM file", name)
        affine = _affine(tags, frames)
        _check_backed(tags, frames, rows * columns * bits // 8, stream.seek(0, io.SEEK_END))

    def read() -> Frames:
        with opened() as stream:
            data = stream.read(most_bytes() + 1)
        check_bytes(len(data), "a file", name)
        with undisclosed(name):
            return Frames(checked(data, name), name, frames)

    return Volume(frames, (rows, columns), read, affine)


def _affine(tags: Dataset, frames: int) -> NDArray[np.float64] | None:
    """(4, 4), from (column, row, frame) to mm in the patient, by the first and the last frame.

    To the right, front and head, as NIfTI has it: DICOM counts to the left and the back.
    """
    spacing = numbers(group_of(tags, "PixelMeasuresSequence", 0), "PixelSpacing")
    turn = numbers(group_of(tags, "PlaneOrientationSequence", 0), "ImageOrientationPatient")
    first_place, last_place = (
        np.array(numbers(group_of(tags, "PlanePositionSequence", at), "ImagePositionPatient"))
        for at in (0, frames - 1)
    )
    if [len(spacing), len(turn), len(first_place), len(last_place)] != [2, 6, 3, 3]:
        return None
    affine = np.eye(4)
    affine[:3, 0] = np.array(turn[:3]) * spacing[1]
    affine[:3, 1] = np.array(turn[3:]) * spacing[0]
    affine[:3, 2] = (last_place - first_place) / (frames - 1)
    affine[:3, 3] = first_place
    affine[:2] *= -1
    return affine if np.isfinite(affine).all() else None


def _check_backed(tags: Dataset, frames: int, size: int, stored: int) -> None:
    """Refuse a number of frames that the file has no bytes for: each becomes a record.

    Raises:
        ValueError: with both.
    """
    syntax = tags.file_meta.TransferSyntaxUID
    least = _FEWEST if syntax.is_encapsulated else size
    most = stored * (_MOST_PACKED if syntax == DeflatedExplicitVRLittleEndian else 1)
    if frames * least > most:
        raise ValueError(f"{frames} frames in {stored} bytes")
