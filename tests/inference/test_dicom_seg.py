"""DICOM-SEG of what was predicted, read back with highdicom and with pydicom."""

import logging
import traceback
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from segkit.core.errors import SegkitError
from segkit.core.planes import Planes
from segkit.inference.cases import as_stacks, check_dicom
from segkit.inference.dicom_seg import DicomSeg
from segkit.inference.names import Input
from segkit.inference.outputs import Files
from segkit.inference.volume_files import VolumeFiles
from segkit.inference.volumes import VolumeRows
from segkit.inference.wanted import Wanted
from tests.imaging.dicom_files import SECRETS, dicom, frames, placed, ramp

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
KINDS: dict[str, dict[str, Any]] = {
    "CT": PLACE,
    "CT of no thickness": {k: v for k, v in PLACE.items() if k != "SliceThickness"},
    "CT, big-endian": {**PLACE, "syntax": ExplicitVRBigEndian},
    "CT, deflated": {**PLACE, "syntax": DeflatedExplicitVRLittleEndian},
    "radiograph": {"storage": CR},
    "radiograph with spacing": {"storage": CR, "PixelSpacing": [0.1, 0.1]},
    "secondary capture": {"storage": SECONDARY},
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


def test_bands_are_one_object(tmp_path: Path) -> None:
    one, mask = put(tmp_path, **PLACE), classes()
    wanted = Wanted(tmp_path / "out", "png", (0, 1, 2), dicom_seg=True)
    with Files(wanted, "a", (16, 16), 1, DicomSeg(one, CLASSES, "abc")) as files:
        for top in (0, 7):
            files.add(top, None, mask[top : top + 7 + 2 * (top // 7)], None)
        files.finish()
    seg = highdicom.seg.segread(tmp_path / "out/a_seg.dcm")
    back = seg.get_pixels_by_source_instance([INSTANCE], combine_segments=True)
    np.testing.assert_array_equal(back[0], mask)


def test_frames_that_were_predicted_each(tmp_path: Path) -> None:
    stored = np.arange(4 * 8 * 16, dtype=np.uint16).reshape(4, 8, 16)
    (tmp_path / "a.dcm").write_bytes(frames(stored, **SERIES, **placed(4)))
    mask = classes(32).reshape(4, 8, 16)
    mask[2] = 0
    (one,) = as_stacks([Input(tmp_path / "a.dcm")], Planes(z="slices"))
    volume = one.open(0)
    assert isinstance(volume, VolumeRows)
    wanted = Wanted(tmp_path / "out", "png", (0, 1, 2), dicom_seg=True)
    with VolumeFiles(wanted, one, volume, DicomSeg(one, CLASSES, "abc", "slices")) as files:
        files.add(0, None, mask.reshape(-1, 16), None)
        files.finish()
    seg = highdicom.seg.segread(tmp_path / "out/a_seg.dcm")
    assert back_of(seg, [1, 2, 3, 4]) == mask.tolist()
    assert len(seg.PerFrameFunctionalGroupsSequence) == 6, "none of the empty frame"
    places = {
        tuple(groups.PlanePositionSequence[0].ImagePositionPatient)
        for groups in seg.PerFrameFunctionalGroupsSequence
    }
    assert places == {(-8, -6, 0), (-8, -6, 3), (-8, -6, 9)}


def back_of(seg: Any, numbers: list[int]) -> Any:
    """The mask of some frames, counted from 1."""
    return seg.get_pixels_by_source_frame(
        INSTANCE, numbers, combine_segments=True, assert_missing_frames_are_empty=True
    ).tolist()


def test_one_frame_of_several(tmp_path: Path) -> None:
    stored, mask = np.zeros((4, 16, 16), np.uint16), classes()
    (tmp_path / "a.dcm").write_bytes(frames(stored, **SERIES, **placed(4)))
    seg = written(Input(tmp_path / "a.dcm"), mask, z=2)
    assert back_of(seg, [2, 3]) == [np.zeros_like(mask).tolist(), mask.tolist()]
    with pytest.raises(SegkitError, match="the max of 4 frames") as caught:
        written(Input(tmp_path / "a.dcm"), mask, z="max")
    assert "z=slices" in caught.value.remedy


def test_frames_that_lie_nowhere(tmp_path: Path) -> None:
    stored = np.zeros((4, 16, 16), np.uint8)
    (tmp_path / "a.dcm").write_bytes(frames(stored, storage=SCREENS, **SERIES))
    with pytest.raises(SegkitError, match="without a frame of reference"):
        written(Input(tmp_path / "a.dcm"), stored, z="slices")


def test_other_formats_are_refused_before_anything_is_predicted(tmp_path: Path) -> None:
    one = put(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (tmp_path / "broken.dcm").write_bytes(b"")
    asked = Wanted(tmp_path / "out", "png", (0, 1), dicom_seg=True)
    other = [Input(tmp_path / name) for name in ("a.png", "broken.dcm", "gone.dcm")]
    check_dicom([one, *other[1:]], asked)
    check_dicom([one, *other], asked.alone())
    with pytest.raises(SegkitError, match=r"a\.png is PNG") as caught:
        check_dicom([one, *other], asked)
    assert caught.value.where == "dicom_seg=true"
    assert "leave it out" in caught.value.remedy
