"""Predicted volumes: masks on the grid of their input, whatever the order of its voxels."""

import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from segkit.core.errors import SegkitError
from segkit.core.tables import read_table
from segkit.core.view import View
from segkit.imaging.pixels import to_uint8
from segkit.inference.cases import as_cases, check_volumes
from segkit.inference.inputs import find_inputs
from segkit.inference.names import Input
from segkit.inference.predict_files import Job, predict_all
from segkit.inference.predictor import Member, Predictor
from segkit.inference.table import Table, columns
from segkit.inference.volume_bands import volume_bands
from segkit.inference.volumes import VolumeRows
from segkit.inference.wanted import Wanted
from segkit.tasks.semantic.task import SemanticTask
from tests.data.readers.nifti_files import SHAPE, affine_of, save, voxels

TASK = SemanticTask(["background", "bright"])
# Where a mask of voxels says otherwise than the header that it is made of.
CHANGED = ("datatype", "bitpix", "vox_offset", "scl_slope", "scl_inter", "cal_max", "cal_min")


class Bright(nn.Module):
    """Foreground is where the mean of all channels is above 127."""

    def forward(self, image_BCHW: Tensor) -> Tensor:
        return image_BCHW.float().mean(1, keepdim=True) - 127.5


def predict(
    folder: Path,
    output: Path,
    channels: int = 3,
    *,
    files: int = 0,
    size: Any = None,
    **wanted: Any,
) -> list[dict[str, str]]:
    """What a command does with a network of so many channels; gives the rows of its table."""
    inputs, _ = find_inputs(str(folder))
    inputs = as_cases(inputs, [{"dataset": {}}], files, print)
    chosen = Wanted(output, "png", (0, 1), **wanted)
    check_volumes(inputs, chosen)
    output.mkdir(exist_ok=True)
    member = Member(Bright(), size, channels)
    predictor = Predictor([member], task=TASK, device="cpu", precision="32-true")
    table = Table(output / "predictions.csv", columns(TASK.described_by()), "x" * 12)
    todo = [one for one in inputs if not table.done(one, chosen)]
    table.begin(todo)
    assert predict_all(predictor, todo, Job(View(), chosen, 64 * 10**6), table) == 0
    table.finish()
    return read_table(output / "predictions.csv")


def bright(data: NDArray[Any]) -> NDArray[np.uint8]:
    """What is found in voxels, in their own order: a voxel's answer depends on it alone."""
    return (to_uint8(data, "voxels") > 127).astype(np.uint8)


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "PIR", "SAL"])
@pytest.mark.parametrize("oblique", [0.0, 0.3])
def test_a_mask_lies_where_its_image_does(tmp_path: Path, codes: str, oblique: float) -> None:
    data, affine = voxels(1), affine_of(codes, oblique=oblique)
    path = save(tmp_path / "in" / "ct.nii.gz", data, affine, descrip=b"by a scanner")
    [row] = predict(path, tmp_path / "out")
    mask, image = nib.load(tmp_path / "out" / "ct.nii.gz"), nib.load(path)
    np.testing.assert_array_equal(np.asarray(mask.dataobj), bright(data))
    assert mask.get_data_dtype() == np.uint8
    assert mask.affine.tobytes() == image.affine.tobytes()
    for field in image.header:
        if field not in CHANGED:
            assert mask.header[field].tobytes() == image.header[field].tobytes(), field
    assert row["image"] == "ct"
    assert row["status"] == "ok"
    assert int(row["width"]) * int(row["height"]) in (7 * 9, 7 * 5, 9 * 5)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_either_kind_in_either_byte_order_and_codes_are_kept(
    tmp_path: Path, kind: Any, order: str
) -> None:
    data = voxels(2).astype(f"{order}f4")
    header = kind.header_class(endianness=order)
    header.set_data_dtype(data.dtype)
    image = kind(data, None, header)
    image.set_qform(affine_of("LAS"), 1)
    image.set_sform(affine_of("LAS"), 4)
    (tmp_path / "in").mkdir()
    nib.save(image, tmp_path / "in" / "mr.nii")
    predict(tmp_path / "in", tmp_path / "out")
    mask = nib.load(tmp_path / "out" / "mr.nii.gz")
    assert isinstance(mask, kind)
    assert mask.header.endianness == order
    assert (int(mask.header["qform_code"]), int(mask.header["sform_code"])) == (1, 4)
    np.testing.assert_array_equal(np.asarray(mask.dataobj), bright(voxels(2).astype(np.float32)))


def test_sequences_are_one_case_where_the_run_was_trained_on_them(tmp_path: Path) -> None:
    for case in "ab":
        for number in range(2):
            seed = ord(case) + number
            save(tmp_path / "in" / f"{case}_{number:04}.nii.gz", voxels(seed), affine_of("LAS"))
    rows = predict(tmp_path / "in", tmp_path / "out", channels=2, files=2)
    assert [row["image"] for row in rows] == ["a", "b"]
    planes = [to_uint8(voxels(ord("b") + number), "").astype(float) for number in range(2)]
    found = np.asarray(nib.load(tmp_path / "out" / "b.nii.gz").dataobj)
    np.testing.assert_array_equal(found, (planes[0] + planes[1]) / 2 > 127.5)


@pytest.mark.parametrize("files", [0, 1])
def test_of_patients_who_are_numbered_each_is_an_image(tmp_path: Path, files: int) -> None:
    """Also three of them, whose grey a run of three channels takes for each."""
    for number in range(3):
        save(tmp_path / "in" / f"a_{number:04}.nii.gz", voxels(number))
    rows = predict(tmp_path / "in", tmp_path / "out", channels=3, files=files)
    assert [row["image"] for row in rows] == ["a_0000", "a_0001", "a_0002"]


def test_sequences_of_planes_are_predicted_as_trained(tmp_path: Path) -> None:
    rng, shown = np.random.default_rng(0), []
    (tmp_path / "in").mkdir()
    for number in range(2):
        shown.append(rng.integers(0, 256, (12, 10), np.uint8))
        Image.fromarray(shown[-1]).save(tmp_path / "in" / f"a_{number:04}.png")
    [row] = predict(tmp_path / "in", tmp_path / "out", channels=2, files=2)
    assert row["image"] == "a"
    with Image.open(tmp_path / "out" / "a.png") as found:
        np.testing.assert_array_equal(found, np.mean(shown, axis=0) > 127.5)


def test_an_image_of_fewer_files_is_not_repeated_to_the_channels_of_more(tmp_path: Path) -> None:
    save(tmp_path / "ct.nii.gz", voxels(0))
    for number in (0, 1):
        save(tmp_path / "in" / f"a_{number:04}.nii.gz", voxels(0))
    with pytest.raises(SegkitError, match=r"of an image: 2; of those .*: 3"):
        predict(tmp_path / "in", tmp_path / "out", channels=3, files=3)
    with pytest.raises(SegkitError, match=r"of an image: 1; of those .*: 3"):
        predict(tmp_path / "ct.nii.gz", tmp_path / "out", channels=3, files=3)
    (tmp_path / "in").rename(tmp_path / "imagesTs")
    with pytest.raises(SegkitError, match=r"of an image: 2; of those .*: 1"):
        predict(tmp_path / "imagesTs", tmp_path / "out", channels=3, files=1)


def test_in_a_folder_of_nnu_nets_one_sequence_is_a_case(tmp_path: Path) -> None:
    save(tmp_path / "set" / "imagesTs" / "liver_7_0000.nii.gz", voxels(0))
    for given in (tmp_path / "set", tmp_path / "set" / "imagesTs"):
        [row] = predict(given, tmp_path / f"out of {given.name}")
        assert row["image"] == "liver_7"
    save(tmp_path / "set" / "imagesTs" / "liver_7.nii.gz", voxels(0))
    with pytest.raises(SegkitError, match="same name, and would be written as one: liver_7"):
        predict(tmp_path / "set", tmp_path / "other")
    save(tmp_path / "set" / "imagesTs" / "liver_8_0001.nii.gz", voxels(0))
    with pytest.raises(SegkitError, match="liver_8 lacks its sequence 0000"):
        predict(tmp_path / "set", tmp_path / "other")


def test_volumes_of_an_archive(tmp_path: Path) -> None:
    for number in range(2):
        save(tmp_path / "set" / "imagesTs" / f"a_{number:04}.nii.gz", voxels(number))
    packed = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "set")
    [row] = predict(Path(packed), tmp_path / "out", channels=2)
    assert row["image"] == "a"
    mean = (to_uint8(voxels(0), "").astype(float) + to_uint8(voxels(1), "")) / 2
    found = np.asarray(nib.load(tmp_path / "out" / "a.nii.gz").dataobj)
    np.testing.assert_array_equal(found, mean > 127.5)


def test_sequences_of_other_grids_are_left_out(tmp_path: Path) -> None:
    first = save(tmp_path / "a_0000.nii.gz", voxels(0))
    other = save(tmp_path / "a_0001.nii.gz", voxels(1), affine_of("RAS") + 0.5)
    one = Input(first, "a", sequences=(Input(other),))
    with pytest.raises(SegkitError, match="mm away from its image"):
        one.open(10**6)


def test_tiles_slices_together_and_a_contact_sheet(tmp_path: Path) -> None:
    data = voxels(3, (40, 30, 31))
    save(tmp_path / "in" / "ct.nii.gz", data)
    Image.fromarray(bright(data[..., 0]) * 255).save(tmp_path / "in" / "plane.png")
    rows = predict(tmp_path / "in", tmp_path / "out", size=(30, 40), overlay=True)
    assert [row["image"] for row in rows] == ["ct", "plane"]
    found = np.asarray(nib.load(tmp_path / "out" / "ct.nii.gz").dataobj)
    np.testing.assert_array_equal(found, bright(data))
    with Image.open(tmp_path / "out" / "ct_overlay.jpg") as sheet:
        assert sheet.size == (6 * 40, 4 * 30)
    before = (tmp_path / "out" / "ct.nii.gz").stat().st_mtime_ns
    predict(tmp_path / "in", tmp_path / "out", size=(30, 40), overlay=True)
    assert (tmp_path / "out" / "ct.nii.gz").stat().st_mtime_ns == before, "it was there already"


def test_bands_of_tiles_reach_over_no_slice(tmp_path: Path) -> None:
    path = save(tmp_path / "ct.nii.gz", voxels(4, (40, 30, 6)))
    volume = Input(path).open(10**6)
    predictor = Predictor([Member(Bright(), None, 3)], task=TASK, device="cpu")
    assert isinstance(volume, VolumeRows)
    tops = [(top, b.shape[1]) for top, b in volume_bands(predictor, volume, View(16, 4, 1, "none"))]
    assert [top for top, _ in tops] == list(np.cumsum([0, *(rows for _, rows in tops)])[:-1])
    assert sum(rows for _, rows in tops) == 6 * 30
    assert volume.rows(25, 65).tolist() == volume.rows(0, 180)[25:65].tolist()


def test_what_is_not_written_of_volumes_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "ct.nii.gz", voxels(0))
    for kind in ("probability", "colour", "rle"):
        with pytest.raises(SegkitError, match=f"{kind} is not written of volumes"):
            predict(tmp_path, tmp_path / "out", **{kind: True})
    with pytest.raises(SegkitError, match="task=instance"):
        predict(tmp_path, tmp_path / "out", labels=True)


def test_runs_of_different_axes(tmp_path: Path) -> None:
    one = Input(save(tmp_path / "ct.nii.gz", voxels(0, SHAPE)))
    configs = [{"dataset": {"channels": 3, "axis": axis}} for axis in ("axial", "coronal")]
    with pytest.raises(SegkitError, match="axial, coronal"):
        as_cases([one], configs, 1, print)
    [cut] = as_cases([one], configs[1:], 1, print)
    assert cut.open(1).size == (SHAPE[1] * SHAPE[2], SHAPE[0])
