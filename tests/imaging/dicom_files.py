"""DICOM files, written by pydicom; each names a patient, as they all do."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
)

Array = NDArray[Any]
# What must never leave a file.
SECRETS = {
    "PatientName": "Dorrendahl^Johannella",
    "PatientID": "MRN-4711-0815",
    "PatientBirthDate": "19610412",
    "AccessionNumber": "ACC99887766",
    "OtherPatientIDs": "INS-55512345",
    "ReferringPhysicianName": "Quincyworth^Mariasofia",
    "InstitutionName": "Hospital of Nowhere",
}


def element(**tags: Any) -> Dataset:
    """A data set of these elements."""
    found = Dataset()
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    return found


def dicom(
    pixels: Array | None,
    *,
    syntax: Any = ExplicitVRLittleEndian,
    packed: Any = None,
    storage: Any = CTImageStorage,
    **tags: Any,
) -> bytes:
    """A file of (H, W) or (H, W, 3) whole numbers; ``packed`` is the frame as a codec made it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = storage, syntax
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    data = FileDataset(
        "",
        element(**SECRETS),
        file_meta=meta,
        preamble=bytes(128),
        is_implicit_VR=UID(syntax).is_implicit_VR,
        is_little_endian=UID(syntax).is_little_endian,
    )
    data.SOPClassUID, data.SOPInstanceUID = storage, meta.MediaStorageSOPInstanceUID
    if pixels is not None:
        _add_pixels(data, pixels, packed, ">" if syntax == ExplicitVRBigEndian else "<")
    for keyword, value in tags.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    if "BitsStored" in tags and "HighBit" not in tags:
        data.HighBit = data.BitsStored - 1
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _add_pixels(data: Dataset, pixels: Array, packed: bytes | None, order: str) -> None:
    bits = 8 * pixels.dtype.itemsize
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    data.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    data.BitsAllocated = data.BitsStored = bits
    data.HighBit = bits - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    kind = f"{order}{pixels.dtype.kind}{pixels.dtype.itemsize}"
    raw = pixels.astype(kind).tobytes()
    data.PixelData = encapsulate([packed]) if packed else raw + bytes(len(raw) % 2)
    data["PixelData"].VR = "OB" if packed or bits <= 8 else "OW"


def ramp(low: int, high: int, kind: str = "uint16") -> Array:
    """(16, 16) of rising values."""
    return np.linspace(low, high, 256).round().astype(kind).reshape(16, 16)


def frames(stored_SHW: Array, **tags: Any) -> bytes:
    """A file of several frames."""
    count, height, width = stored_SHW.shape
    many = {"NumberOfFrames": count, "Rows": height}
    return dicom(stored_SHW.reshape(count * height, width), **{**many, **tags})


def placed(count: int, step: float = 3) -> dict[str, Any]:
    """Of an enhanced file: axial frames, as far apart from each other in mm."""
    places = [
        element(PlanePositionSequence=[element(ImagePositionPatient=[-8, -6, step * at])])
        for at in range(count)
    ]
    shared = element(
        PlaneOrientationSequence=[element(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[element(PixelSpacing=[0.5, 0.75], SliceThickness=3)],
    )
    return {
        "storage": EnhancedCTImageStorage,
        "FrameOfReferenceUID": "1.2.9",
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": places,
    }


# A CT of 12 bits; its line to Hounsfield units, and a window of soft tissue.
CT = ramp(0, 4095)
HOUNSFIELD = CT.astype(int) - 1024
LINE = {"RescaleSlope": 1, "RescaleIntercept": -1024}
SOFT = {"WindowCenter": 40, "WindowWidth": 400}
