"""The size of a pixel, as writers of microscope images put it into their files."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.imaging.pixel_size import pixel_size
from tests.imaging.dicom_files import dicom, ramp

PIXELS = np.zeros((12, 17), np.uint16)


def of(**how: Any) -> tuple[float, float] | None:
    stream = io.BytesIO()
    tifffile.imwrite(stream, PIXELS, **how)
    stream.seek(0)
    return pixel_size(stream)


@pytest.mark.parametrize(
    ("unit", "scale"),
    [("\u00b5m", 1), ("\u03bcm", 1), ("um", 1), ("nm", 1e-3), ("mm", 1e3), (None, 1)],
)
def test_ome(unit: str | None, scale: float) -> None:
    said: dict[str, Any] = {"axes": "YX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.5}
    if unit:
        said |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    assert of(ome=True, metadata=said) == pytest.approx((0.5 * scale, 0.325 * scale))


def test_ome_with_one_side_or_an_unknown_unit_says_nothing() -> None:
    assert of(ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.325}) is None
    said = {"axes": "YX", "PhysicalSizeX": 1, "PhysicalSizeY": 1}
    for unit in ("pixel", "reference frame"):
        more = {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
        assert of(ome=True, metadata=said | more) is None


@pytest.mark.parametrize(
    ("unit", "scale"), [("um", 1), ("micron", 1), ("\\u00B5m", 1), ("nm", 1e-3), ("cm", 1e4)]
)
def test_imagej(unit: str, scale: float) -> None:
    found = of(imagej=True, resolution=(1 / 0.325, 2), metadata={"unit": unit})
    assert found == pytest.approx((0.5 * scale, 0.325 * scale), rel=1e-6)


def test_imagej_without_a_length_says_nothing() -> None:
    assert of(imagej=True, resolution=(3, 3)) is None
    for unit in ("pixel", "inch"):
        assert of(imagej=True, resolution=(3, 3), metadata={"unit": unit}) is None


def test_tags_in_centimetres() -> None:
    found = of(resolution=(1e4 / 0.325, 1e4 / 0.5), resolutionunit="CENTIMETER")
    assert found == pytest.approx((0.5, 0.325), rel=1e-6)


@pytest.mark.parametrize("dpi", [72, 96, 300])
def test_what_is_for_print_says_nothing(dpi: int) -> None:
    assert of(resolution=(dpi, dpi), resolutionunit="INCH") is None
    assert of(resolution=(dpi / 2.54, dpi / 2.54), resolutionunit="CENTIMETER") is None
    assert of(resolution=(3, 3), resolutionunit="NONE") is None
    assert of() is None


@pytest.mark.parametrize("resolution", [(0, 0), (5, 0)])
def test_no_resolution(resolution: tuple[int, int]) -> None:
    assert of(resolution=resolution, resolutionunit="CENTIMETER") is None


def test_other_kinds_and_damaged_files_say_nothing(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / "a.png", dpi=(30_000, 30_000))
    with (tmp_path / "a.png").open("rb") as stream:
        assert pixel_size(stream) is None
    written = io.BytesIO()
    tifffile.imwrite(written, PIXELS, resolution=(1e4, 1e4), resolutionunit="CENTIMETER")
    data = written.getvalue()
    assert pixel_size(io.BytesIO(data)) == (1, 1)
    for cut in (0, 3, 4, 8, 60, 200):
        assert pixel_size(io.BytesIO(data[:cut])) is None


def test_dicom() -> None:
    def said(**tags: Any) -> tuple[float, float] | None:
        return pixel_size(io.BytesIO(dicom(ramp(0, 9), **tags)))

    assert said(PixelSpacing=[0.7, 0.5]) == (700, 500)
    assert said(PixelSpacing=[0, 0.5]) is None
    # On the detector, which a patient is magnified on.
    assert said(ImagerPixelSpacing=[0.1, 0.1]) is None
    assert pixel_size(io.BytesIO(dicom(ramp(0, 9), PixelSpacing=[1, 1])[:300])) is None
