"""DICOM-SEG of one image, read back with highdicom and with pydicom."""

import logging
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from segkit.core.errors import SegkitError
from segkit.inference.names import Input
from tests.imaging.dicom_files import SECRETS, dicom, ramp
from tests.inference.dicom_segs import (
    CLASSES,
    CR,
    INSTANCE,
    PLACE,
    SECONDARY,
    SERIES,
    classes,
    put,
    written,
)

KINDS: dict[str, dict[str, Any]] = {
    "CT": PLACE,
    "CT of no thickness": {k: v for k, v in PLACE.items() if k != "SliceThickness"},
    "CT, big-endian": {**PLACE, "syntax": ExplicitVRBigEndian},
    "CT, deflated": {**PLACE, "syntax": DeflatedExplicitVRLittleEndian},
    "radiograph": {"storage": CR},
    "radiograph with spacing": {"storage": CR, "PixelSpacing": [0.1, 0.1]},
    "secondary capture": {"storage": SECONDARY},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_comes_back_exactly(kind: str, tmp_path: Path) -> None:
    mask, one = classes(), put(tmp_path, **KINDS[kind])
    seg = written(one, mask)
    back = seg.get_pixels_by_source_instance([INSTANCE], combine_segments=True)
    np.testing.assert_array_equal(back[0], mask)
    plain = pydicom.dcmread(tmp_path / "a_seg.dcm")
    for frame, groups in zip(
        plain.pixel_array, plain.PerFrameFunctionalGroupsSequence, strict=True
    ):
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        np.testing.assert_array_equal(frame, mask == number)
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == INSTANCE
        assert source.SpatialLocationsPreserved == "YES"
    assert plain.SegmentationType == "BINARY"
    assert plain.Modality == "SEG"
    assert [each.SegmentLabel for each in plain.SegmentSequence] == list(CLASSES[1:])


def test_where_it_lies_is_the_images(tmp_path: Path) -> None:
    seg = written(put(tmp_path, **PLACE), classes())
    shared = seg.SharedFunctionalGroupsSequence[0]
    measures = shared.PixelMeasuresSequence[0]
    assert (measures.PixelSpacing, measures.SliceThickness) == ([0.7, 0.8], 2.5)
    assert "SpacingBetweenSlices" not in measures, "the image does not say it"
    turn = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    assert turn == PLACE["ImageOrientationPatient"]
    for groups in seg.PerFrameFunctionalGroupsSequence:
        place = groups.PlanePositionSequence[0].ImagePositionPatient
        assert place == PLACE["ImagePositionPatient"]
    assert seg.FrameOfReferenceUID == "1.2.9"


def test_a_radiograph_lies_as_its_image_does(tmp_path: Path) -> None:
    spread = {"PixelSpacing": [0.1, 0.1], "PatientOrientation": ["L", "F"]}
    seg = written(put(tmp_path, storage=CR, **spread), classes())
    assert seg.PatientOrientation == ["L", "F"]
    # They need a depth, or another program does not read them.
    assert "PixelMeasuresSequence" not in seg.SharedFunctionalGroupsSequence[0]
    assert written(put(tmp_path, storage=CR), classes()).PatientOrientation == ""


def test_patient_and_study_are_the_images(tmp_path: Path) -> None:
    name = "Müller^Änne"
    more = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": name, "PatientSex": "FEMALE"}
    seg = written(put(tmp_path, StudyDate="20260102", **PLACE, **more), classes())
    assert str(seg.PatientName) == name
    assert seg.PatientSex == "FEMALE", "as it stands there, were it wrong"
    for keyword in ("PatientID", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName"):
        assert str(seg[keyword].value) == SECRETS[keyword]
    assert (seg.StudyInstanceUID, seg.StudyDate) == ("1.2.3", "20260102")
    assert "InstitutionName" not in seg, "which an archive does not file it by"


def test_an_image_without_an_object(tmp_path: Path) -> None:
    empty = np.zeros((16, 16), np.uint8)
    seg = written(put(tmp_path, storage=CR), empty)
    back = seg.get_pixels_by_source_instance([INSTANCE], combine_segments=True)
    np.testing.assert_array_equal(back[0], empty)


def test_objects_of_a_series_are_one_series_and_of_another_run_others(tmp_path: Path) -> None:
    first = written(put(tmp_path, **PLACE), classes())
    again = written(put(tmp_path, **PLACE), classes())
    other = written(put(tmp_path, **PLACE), classes(), mark="def")
    assert first.SOPInstanceUID == again.SOPInstanceUID
    assert first.SeriesInstanceUID == again.SeriesInstanceUID
    assert {first.SOPInstanceUID, first.SeriesInstanceUID}.isdisjoint(
        {other.SOPInstanceUID, other.SeriesInstanceUID, INSTANCE, "1.2.3.4"}
    )
    assert first.InstanceNumber == 7


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"StudyInstanceUID": None}, "without the element StudyInstanceUID"),
        ({"SeriesInstanceUID": ""}, "without the element SeriesInstanceUID"),
        ({}, "without a frame of reference"),
        ({**PLACE, "PixelSpacing": None}, "without the element PixelSpacing"),
        ({"storage": "1.2.999", **PLACE}, "of a kind that highdicom does not refer to"),
    ],
)
def test_what_no_object_refers_to(
    tags: dict[str, Any], says: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = {k: v for k, v in {**SERIES, **tags}.items() if v is not None}
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom(ramp(0, 9), **given))
    with pytest.raises(SegkitError, match=says) as caught:
        written(Input(path), classes())
    assert "leave out dicom_seg=true" in caught.value.remedy
    assert not (tmp_path / "a_seg.dcm").exists()
    trace = "".join(traceback.format_exception(caught.value))
    for secret in SECRETS.values():
        assert secret not in trace + caplog.text


def test_a_character_set_that_nobody_knows(tmp_path: Path) -> None:
    one = put(tmp_path, SpecificCharacterSet="ISO_IR 100", **PLACE)
    one.path.write_bytes(one.path.read_bytes().replace(b"ISO_IR 100", b"ISO_IR 999"))
    assert str(written(one, classes()).PatientName) == SECRETS["PatientName"]


def test_nothing_is_logged_of_a_patient(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    # highdicom would warn of a name in one part, and quote it.
    one = put(tmp_path, PatientName="Johannella", StudyID="STUDY-31", **PLACE)
    written(one, classes())
    for secret in (*SECRETS.values(), "Johannella", "STUDY-31", INSTANCE):
        assert secret not in caplog.text
