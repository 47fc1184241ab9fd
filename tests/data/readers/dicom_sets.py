"""A data set of DICOM series with their masks, whose every file names its patient."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.imaging.dicom_files import SECRETS, dicom


def put(root: Path, name: str, data: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def put_mask(root: Path, stem: str, mask: Any) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.asarray(mask, np.uint8) * 255).save(stream, "PNG")
    put(root, f"masks/{stem}.png", stream.getvalue())


def write_patients(root: Path, patients: int, slices: int, side: int = 64) -> None:
    """CT in Hounsfield units with a soft-tissue window; what is above 100 is the mask."""
    rng = np.random.default_rng(0)
    for patient in range(patients):
        for number in range(slices):
            top, left = rng.integers(4, side - 28, 2)
            mask = np.zeros((side, side), bool)
            mask[top : top + 24, left : left + 24] = True
            values = rng.integers(1000, 1060, (side, side)) + 150 * mask
            data = dicom(
                values.astype(np.uint16),
                BitsStored=12,
                RescaleSlope=1,
                RescaleIntercept=-1024,
                WindowCenter=40,
                WindowWidth=400,
                PatientID=f"{SECRETS['PatientID']}-{patient}",
                StudyInstanceUID=f"1.2.33.{patient}",
                SeriesInstanceUID=f"1.2.33.{patient}.1",
                FrameOfReferenceUID=f"1.2.33.{patient}.2",
                PixelSpacing=[0.7, 0.7],
                ImagePositionPatient=[0, 0, 5 * (slices - number)],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            )
            put(root, f"images/s{patient}_{number}.dcm", data)
            put_mask(root, f"s{patient}_{number}", mask)


def told(place: Path) -> list[str]:
    """Which secrets stand in a file, or in any file below a folder or in its name."""
    files = [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]
    found = []
    for file in files:
        text = file.read_bytes() + str(file).encode()
        for keyword, secret in SECRETS.items():
            if any(part.encode() in text for part in (secret, *secret.split("^"))):
                found.append(f"{keyword} in {file}")
    return found
