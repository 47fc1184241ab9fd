"""What a DICOM file's tags make of its values where it has no window, and what is refused."""

from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from segkit.core.errors import SegkitError
from segkit.core.limits import limited_to
from segkit.core.planes import Planes
from segkit.imaging.pixels import decode
from tests.imaging.dicom_files import CT, HOUNSFIELD, LINE, SOFT, Array, dicom, element, ramp


@pytest.mark.parametrize(
    ("stored", "tags", "right"),
    [
        (ramp(0, 255, "uint8"), {}, ramp(0, 255, "uint8")),
        (ramp(0, 255), {"BitsStored": 8}, ramp(0, 255, "uint8")),
        (ramp(0, 15), {"BitsStored": 4}, ramp(0, 15, "uint8") * 17),
        (ramp(0, 1, "uint8"), {"BitsStored": 1}, ramp(0, 1, "uint8") * 255),
        (CT, {"BitsStored": 12}, CT),
        (ramp(-900, 900, "int16"), {}, ramp(-900, 900, "int16")),
        # Above the bits that are stored others may be anything.
        (ramp(0, 4095) | 0x5000, {"BitsStored": 12}, CT),
        (ramp(-900, 900, "int16") & 0x0FFF, {"BitsStored": 12}, ramp(-900, 900, "int16")),
        (CT, {"BitsStored": 12, **LINE}, HOUNSFIELD.astype("int16")),
        (CT, {"BitsStored": 12, "RescaleSlope": 2.0, "RescaleIntercept": 0}, CT * 2),
        # A width of 0 is none.
        (CT, {"BitsStored": 12, "WindowCenter": 40, "WindowWidth": 0}, CT),
        (CT, {"BitsStored": 12, "WindowCenter": "", "WindowWidth": ""}, CT),
    ],
)
def test_values_without_a_window_are_kept(
    stored: Array, tags: dict[str, Any], right: Array
) -> None:
    pixels = decode(dicom(stored, **tags), "a.dcm")
    assert pixels.dtype == right.dtype
    np.testing.assert_array_equal(pixels, right)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_plain_syntax_reads_alike(syntax: str) -> None:
    for stored in (CT, ramp(-9000, 9000, "int16"), ramp(0, 255, "uint8")):
        pixels = decode(dicom(stored, syntax=syntax), "a.dcm")
        assert pixels.dtype == stored.dtype
        np.testing.assert_array_equal(pixels, stored)


def test_monochrome1_without_a_window_is_mirrored_within_its_bits() -> None:
    light = {"PhotometricInterpretation": "MONOCHROME1"}
    np.testing.assert_array_equal(decode(dicom(CT, BitsStored=12, **light), ""), 4095 - CT)
    small = ramp(0, 255, "uint8")
    np.testing.assert_array_equal(decode(dicom(small, **light), ""), 255 - small)
    signed = ramp(-128, 127, "int8")
    np.testing.assert_array_equal(decode(dicom(signed, **light), ""), -1 - signed.astype(int))


@pytest.mark.parametrize("colours", ["MONOCHROME2", "MONOCHROME1"])
def test_padding_is_dark_and_sets_no_window(colours: str) -> None:
    stored = ramp(100, 1000, "int16")
    plain = decode(dicom(stored, PhotometricInterpretation=colours), "")
    stored[4:8, :3] = -2000
    tags = {"PhotometricInterpretation": colours, "PixelPaddingValue": -2000}
    shown = decode(dicom(stored, **tags), "")
    seen = stored != -2000
    np.testing.assert_array_equal(shown[seen], plain[seen])
    assert (shown[~seen] == shown[seen].min()).all()


def test_a_range_of_padding() -> None:
    stored = ramp(0, 1000)
    shown = decode(dicom(stored, PixelPaddingValue=0, PixelPaddingRangeLimit=99), "")
    assert shown.min() == stored[stored > 99].min()
    np.testing.assert_array_equal(shown[stored > 99], stored[stored > 99])


def test_a_mask_keeps_its_values() -> None:
    mask = ramp(0, 3, "uint8")
    data = dicom(mask, BitsStored=2, **SOFT)
    np.testing.assert_array_equal(decode(data, "", indexed=True), mask)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"Rows": None}, "without the element Rows"),
        ({"BitsAllocated": None, "BitsStored": 16}, "without the element BitsAllocated"),
        ({"PixelRepresentation": None}, "without the element PixelRepresentation"),
        ({"PhotometricInterpretation": None}, "without the element PhotometricInterpretation"),
        ({"PhotometricInterpretation": "HSV"}, "colours are not understood"),
        ({"NumberOfFrames": 7}, "7 frames"),
        ({"Rows": 65535, "Columns": 65535}, "4294.*megapixels|65535×65535"),
        ({"Rows": 17}, "damaged or was cut off"),
        ({"HighBit": 15, "BitsStored": 12}, "odd way"),
        ({"RescaleSlope": 0, "RescaleIntercept": 1}, "damaged"),
    ],
)
def test_what_is_refused(tags: dict[str, Any], says: str) -> None:
    with pytest.raises(SegkitError, match=says) as caught:
        decode(dicom(CT, **tags), "scan.dcm")
    assert caught.value.where == "scan.dcm"
    assert caught.value.remedy


def test_frames_become_one_image_by_the_settings() -> None:
    frames = np.stack([ramp(0, 100), ramp(200, 0), ramp(50, 50)])
    groups = [element(PixelValueTransformationSequence=[_line(at)]) for at in (0, 1000, 20)]
    many = {"NumberOfFrames": 3, "Rows": 16, "PerFrameFunctionalGroupsSequence": groups}
    data = dicom(frames.reshape(48, 16), **many)
    right = frames.astype(int) + np.array([0, 1000, 20])[:, None, None]
    for at in range(3):
        np.testing.assert_array_equal(decode(data, "", planes=Planes(z=at)), right[at])
    np.testing.assert_array_equal(decode(data, "", planes=Planes(z="max")), right.max(axis=0))
    mean = decode(data, "", planes=Planes(z="mean"))
    np.testing.assert_allclose(mean, right.mean(axis=0), rtol=1e-6)
    for z in (None, 3):
        with pytest.raises(SegkitError, match="a DICOM file of 3 frames") as caught:
            decode(data, "", planes=Planes(z=z))
        assert "dataset.z=max" in caught.value.remedy


def _line(intercept: int) -> Any:
    return element(RescaleSlope=1, RescaleIntercept=intercept)


def test_objects_without_pixels_are_named() -> None:
    report = dicom(None, storage="1.2.840.10008.5.1.4.1.1.88.11")
    with pytest.raises(SegkitError, match="without pixels: Basic Text SR Storage"):
        decode(report, "report.dcm")
    with pytest.raises(SegkitError, match="has no pixels, or lost them"):
        decode(dicom(None), "ct.dcm")


def test_a_deflated_file_that_unpacks_to_more_than_the_bound() -> None:
    more = {"EncapsulatedDocument": bytes(2**25)}
    data = dicom(CT, syntax=DeflatedExplicitVRLittleEndian, **more)
    assert len(data) < 2**17
    with limited_to(1), pytest.raises(SegkitError, match="deflated DICOM file of"):
        decode(data, "bomb.dcm")
