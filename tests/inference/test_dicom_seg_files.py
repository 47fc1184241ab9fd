"""DICOM-SEG of frames and of bands, and where none is asked for or can be."""

import sys
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.core.planes import Planes
from segkit.inference.cases import as_stacks, check_dicom
from segkit.inference.dicom_seg import DicomSeg
from segkit.inference.names import Input
from segkit.inference.outputs import Files
from segkit.inference.volume_files import VolumeFiles
from segkit.inference.volumes import VolumeRows
from segkit.inference.wanted import Wanted, wanted_of
from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.semantic.task import SemanticTask
from tests.imaging.dicom_files import frames, placed
from tests.inference.dicom_segs import (
    CLASSES,
    INSTANCE,
    PLACE,
    SCREENS,
    SECONDARY,
    SERIES,
    back_of,
    classes,
    put,
    written,
)


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


def test_one_frame_of_several(tmp_path: Path) -> None:
    stored, mask = np.zeros((4, 16, 16), np.uint16), classes()
    (tmp_path / "a.dcm").write_bytes(frames(stored, **SERIES, **placed(4)))
    seg = written(Input(tmp_path / "a.dcm"), mask, z=2)
    assert back_of(seg, [2, 3]) == [np.zeros_like(mask).tolist(), mask.tolist()]
    with pytest.raises(SegkitError, match="the max of 4 frames") as caught:
        written(Input(tmp_path / "a.dcm"), mask, z="max")
    assert "z=slices" in caught.value.remedy


@pytest.mark.parametrize("storage", [SCREENS, SECONDARY])
def test_frames_that_lie_nowhere(storage: str, tmp_path: Path) -> None:
    # Of a kind that is of one frame, highdicom would write the first and drop the others.
    stored = np.zeros((4, 16, 16), np.uint8)
    (tmp_path / "a.dcm").write_bytes(frames(stored, storage=storage, **SERIES))
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


ASKED: dict[str, Any] = {
    **dict.fromkeys(("overlay", "colour", "probability", "rle", "rois", "geojson", "coco"), False),
    **{"values": None, "pixel_size": None, "format": "png", "dicom_seg": True},
}


def test_without_highdicom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = SemanticTask(["background", "bone"])
    assert wanted_of(ASKED, tmp_path, task).dicom_seg
    real = sys.modules["importlib.util"].find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "highdicom" else real(name)
    )
    assert not wanted_of(ASKED | {"dicom_seg": False}, tmp_path, task).dicom_seg
    with pytest.raises(SegkitError, match="not installed: highdicom") as told:
        wanted_of(ASKED, tmp_path, task)
    assert told.value.remedy == "pip install 'segkit[dicomseg]'"


def test_objects_are_no_segments(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match="tells objects apart") as told:
        wanted_of(ASKED, tmp_path, InstanceTask(["background", "cell"]))
    assert told.value.where == "dicom_seg=true"
