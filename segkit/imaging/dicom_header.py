"""What a DICOM file says before its pixels."""

from contextlib import suppress
from typing import IO

import numpy as np
from pydicom import Dataset

from segkit.imaging.dicom_facts import Header
from segkit.imaging.dicom_tags import first, holds_pixels, number, numbers, read_tags, storage
from segkit.imaging.quiet import without_pydicom_log

_TAGS = (
    *("SOPClassUID", "PatientID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient"),
)
# Where they end, and how much of a deflated file is unpacked to find them.
_LAST, _INFLATED = 0x00200037, 2**20
_SPACING = 0x00280030


def read_header(stream: IO[bytes]) -> Header | None:
    """The header of a DICOM file; None where it cannot be read.

    Args:
        stream: of the file, from its beginning.
    """
    try:
        with without_pydicom_log():
            tags = read_tags(stream, _TAGS, "", until=_LAST, inflate=_INFLATED)
            kind = storage(tags)
            series = str(first(tags, "SeriesInstanceUID") or "")
            return Header(kind, holds_pixels(kind), _person(tags), series, _place(tags))
    except Exception:  # reading its pixels says what is wrong with it
        return None


def read_spacing(stream: IO[bytes]) -> tuple[float, float] | None:
    """Height and width of a pixel in µm; of a radiograph, whose depth is not known, nothing."""
    with suppress(Exception), without_pydicom_log():  # reading its pixels says what is wrong
        tags = read_tags(stream, ["PixelSpacing"], "", until=_SPACING, inflate=_INFLATED)
        found = numbers(tags, "PixelSpacing")
        if len(found) == 2 and all(np.isfinite(side) and side > 0 for side in found):
            return 1000 * found[0], 1000 * found[1]
    return None


def _person(tags: Dataset) -> tuple[str, ...]:
    patient = str(first(tags, "PatientID") or "").strip()
    if patient:
        # Whoever issued it: not every file says, and one patient must not be two.
        return ("patient", patient)
    for kind in ("Study", "Series"):
        if found := str(first(tags, f"{kind}InstanceUID") or ""):
            return (kind.lower(), found)
    return ()


def _place(tags: Dataset) -> float:
    """Along the normal, which is the cross product of the directions of rows and columns."""
    place, turn = numbers(tags, "ImagePositionPatient"), numbers(tags, "ImageOrientationPatient")
    if len(place) == 3 and len(turn) == 6:
        found = float(np.dot(np.cross(turn[:3], turn[3:]), place))
        if np.isfinite(found):
            return found
    return number(tags, "InstanceNumber") or 0.0
