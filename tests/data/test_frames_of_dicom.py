"""DICOM files of several frames of which each is a record: dataset.z=slices."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import tifffile
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from segkit.core.errors import SegkitError
from segkit.core.planes import PLAIN, Planes
from segkit.inference.cases import as_stacks
from segkit.inference.names import Input
from segkit.inference.volume_files import VolumeFiles
from segkit.inference.volumes import VolumeRows
from segkit.inference.wanted import Wanted
from tests.data.mask_files import read, reader_of
from tests.data.readers.dicom_sets import put, told
from tests.data.readers.nifti_files import save
from tests.imaging.dicom_files import SECRETS, Array, dicom, element, frames, placed

RNG = np.random.default_rng(0)
STORED = RNG.integers(0, 4096, (5, 24, 16)).astype(np.uint16)
MASK = RNG.integers(0, 2, STORED.shape).astype(np.uint8)
LINE = {"RescaleSlope": 1, "RescaleIntercept": -1024, "BitsStored": 12}
SOFT = {"WindowCenter": 40, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"}
SLICES = Planes(z="slices")


def data_set(root: Path, image: bytes, mask: Array | bytes = MASK) -> Path:
    put(root, "images/a.dcm", image)
    (root / "masks").mkdir()
    if isinstance(mask, bytes):
        put(root, "masks/a.dcm", mask)
    else:
        tifffile.imwrite(root / "masks" / "a.tif", mask, metadata={"axes": "ZYX"})
    return root


def shown(values: Array) -> Array:
    return np.rint(np.clip((values - 40) / 400 + 0.5, 0, 1) * 255)


def volume_of(data: bytes, folder: Path, rule: Any = "stored") -> VolumeRows:
    (folder / "a.dcm").write_bytes(data)
    (one,) = as_stacks([Input(folder / "a.dcm")], SLICES)
    volume = one.open(0, rule)
    assert isinstance(volume, VolumeRows)
    return volume


@pytest.mark.parametrize("masks", ["TIFF", "DICOM"])
def test_each_frame_is_a_record_and_the_patient_the_group(masks: str, tmp_path: Path) -> None:
    # What a mask stores are classes, whatever lines and windows its file has.
    mask = frames(MASK, BitsStored=1, **SOFT) if masks == "DICOM" else MASK
    root = data_set(tmp_path, frames(STORED, **LINE), mask)
    for stem in "bc":
        put(root, f"images/{stem}.dcm", dicom(STORED[0], **LINE, PatientID=stem))
        tifffile.imwrite(root / "masks" / f"{stem}.tif", MASK[0])
    reader = reader_of(root, "dataset.z=slices", "dataset.score_by=group")
    found = reader.listing().records
    assert [record.id for record in found] == [*(f"a#{number}" for number in range(5)), "b", "c"]
    groups = ["patient-001"] * 5 + ["patient-002", "patient-003"]
    assert [record.group for record in found] == groups
    np.testing.assert_array_equal(read(reader)[:5], MASK)
    images = [reader.stored(record) for record in found]
    np.testing.assert_array_equal(images[:5], STORED.astype(int) - 1024)
    np.testing.assert_array_equal(images[5], images[0])


def test_a_window_is_the_files_and_a_range_is_of_what_was_measured(tmp_path: Path) -> None:
    own = [
        element(PixelValueTransformationSequence=[element(RescaleSlope=1, RescaleIntercept=-n)])
        for n in range(5)
    ]
    data = frames(STORED, PerFrameFunctionalGroupsSequence=own, BitsStored=12, **SOFT)
    values = STORED.astype(int) - np.arange(5)[:, None, None]
    root = data_set(tmp_path, data)
    for rule, right in (
        ("image", shown(values)),
        ("[-160,240]", np.rint(np.clip((values + 160) / 400, 0, 1) * 255)),
    ):
        reader = reader_of(root, "dataset.z=slices", f"dataset.intensity={rule}")
        images = [reader.read(record).image for record in reader.listing().records]
        volume = volume_of(data, tmp_path, reader.intensity)
        np.testing.assert_array_equal([volume.image(n) for n in range(5)], images)
        if rule != "image":  # which stretches to the extremes of all frames
            np.testing.assert_array_equal(images, right)
    volume = volume_of(data, tmp_path)
    np.testing.assert_array_equal([volume.image(n) for n in range(5)], shown(values))


def test_the_brightness_of_all_frames_is_one(tmp_path: Path) -> None:
    dark = STORED // np.array([64, 16, 4, 2, 1], np.uint16)[:, None, None]
    reader = reader_of(data_set(tmp_path, frames(dark)), "dataset.z=slices")
    images = np.array([reader.read(record).image for record in reader.listing().records])
    assert images[0].max() < 8
    assert images[4].max() == 255


@pytest.mark.parametrize("syntax", ["RLE", "deflated"])
def test_packed_frames(syntax: str, tmp_path: Path) -> None:
    if syntax == "RLE":
        tags, stream = pydicom.dcmread(io.BytesIO(frames(STORED))), io.BytesIO()
        tags.compress(RLELossless)
        tags.save_as(stream)
        data = stream.getvalue()
    else:
        data = frames(STORED, syntax=DeflatedExplicitVRLittleEndian)
    reader = reader_of(data_set(tmp_path, data), "dataset.z=slices")
    np.testing.assert_array_equal([reader.stored(r) for r in reader.listing().records], STORED)


def test_colour(tmp_path: Path) -> None:
    rgb = RNG.integers(0, 256, (3, 8, 16, 3)).astype(np.uint8)
    data = dicom(rgb.reshape(24, 16, 3), NumberOfFrames=3, Rows=8)
    volume = volume_of(data, tmp_path)
    np.testing.assert_array_equal([volume.image(n) for n in range(3)], rgb)


def test_frames_are_predicted_one_by_one(tmp_path: Path) -> None:
    one, plane = Input(tmp_path / "a.dcm"), Input(tmp_path / "b.dcm")
    plane.path.write_bytes(dicom(STORED[0]))
    volume = volume_of(frames(STORED), tmp_path)
    assert as_stacks([one, plane], PLAIN) == [one, plane]
    cut, whole = as_stacks([one, plane], SLICES)
    assert (cut.mask, whole.mask) == (".tif", "")
    (tmp_path / "out").mkdir()
    with VolumeFiles(Wanted(tmp_path / "out", "png", (0, 255)), cut, volume) as files:
        files.add(0, None, MASK.reshape(-1, 16), None)
        files.finish()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "a.tif"), 255 * MASK)


def test_masks_in_nifti_lie_where_their_image_does(tmp_path: Path) -> None:
    root = data_set(tmp_path, frames(STORED, **placed(5)))
    (root / "masks" / "a.tif").unlink()
    # Columns run to the left, rows to the back, frames to the head: of LPS, in RAS.
    affine = np.array([[-0.75, 0, 0, 8], [0, -0.5, 0, 6], [0, 0, 3, 0], [0, 0, 0, 1]])
    save(root / "masks" / "a.nii.gz", np.transpose(MASK, (2, 1, 0)), affine)
    np.testing.assert_array_equal(read(reader_of(root, "dataset.z=slices")), MASK)
    # Frames from the head to the feet are not those slices.
    put(root, "images/a.dcm", frames(STORED, **placed(5, step=-3)))
    listing = reader_of(root, "dataset.z=slices").listing()
    assert not listing.records
    assert "lies 24 mm away" in listing.problems[0].what


def test_masks_of_planes_are_told_before_any_channel_is_counted(tmp_path: Path) -> None:
    reader = reader_of(data_set(tmp_path, frames(STORED)), "dataset.z=slices")
    tifffile.imwrite(tmp_path / "masks" / "a.tif", MASK[0])
    with pytest.raises(SegkitError, match="1 of 1 records cannot be used") as caught:
        reader.channels()
    assert caught.value.where == "images/a.dcm (a volume, and masks/a.tif of it is a plane)"
    assert "as many slices" in caught.value.remedy


DAMAGED: dict[str, tuple[bytes, str]] = {
    "more frames than bytes": (frames(STORED, NumberOfFrames=10**6), "damaged"),
    "no rows": (frames(STORED, Rows=None), "damaged"),
    "cut off": (frames(STORED)[:-100], "damaged"),
    "a name for a number": (
        frames(STORED, NumberOfFrames="5").replace(b"IS\x02\x005 ", b"IS\x04\x00Dorr"),
        "damaged",
    ),
    "segments": (
        frames(MASK, storage="1.2.840.10008.5.1.4.1.1.66.4"),
        "whose frames are those of its segments",
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_damaged_is_told_and_nothing_of_its_patient(kind: str, tmp_path: Path) -> None:
    data, says = DAMAGED[kind]
    reader = reader_of(data_set(tmp_path / "set", data), "dataset.z=slices")
    assert told(tmp_path / "set")
    said = []
    try:
        found = reader.listing()
        said += [f"{problem}" for problem in found.problems]
        for record in found.records:
            reader.read(record)
    except SegkitError as error:
        said.append(repr(error))
    assert says in said[0]
    for secret in ("Dorr", *SECRETS.values()):
        assert secret not in "".join(said)
