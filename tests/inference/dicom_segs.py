"""DICOM images, and the DICOM-SEG of a mask of theirs, read back with highdicom."""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
from numpy.typing import NDArray

from segkit.inference.dicom_seg import DicomSeg
from segkit.inference.names import Input
from tests.imaging.dicom_files import dicom, ramp

CLASSES = ("background", "bone", "Knöchel")
CR, SECONDARY = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.7"
SCREENS = "1.2.840.10008.5.1.4.1.1.7.2"  # of several frames
INSTANCE = "1.2.826.0.1.3680043.8.498.1"
SERIES = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "InstanceNumber": 7}
PLACE = {
    "FrameOfReferenceUID": "1.2.9",
    "ImagePositionPatient": [1.5, -2, 3.25],
    "ImageOrientationPatient": [0, 1, 0, 0, 0, -1],
    "PixelSpacing": [0.7, 0.8],
    "SliceThickness": 2.5,
}


def put(folder: Path, **tags: Any) -> Input:
    path = folder / "a.dcm"
    path.write_bytes(dicom(ramp(0, 4095), BitsStored=12, **{**SERIES, **tags}))
    return Input(path)


def classes(height: int = 16) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 3, (height, 16)).astype(np.uint8)


def written(one: Input, mask: NDArray[np.uint8], mark: str = "abc", z: Any = None) -> Any:
    path = one.path.with_name("a_seg.dcm")
    DicomSeg(one, CLASSES, mark, z).write(path, mask)
    return highdicom.seg.segread(path)


def back_of(seg: Any, numbers: list[int]) -> Any:
    """The mask of some frames, counted from 1."""
    return seg.get_pixels_by_source_frame(
        INSTANCE, numbers, combine_segments=True, assert_missing_frames_are_empty=True
    ).tolist()
