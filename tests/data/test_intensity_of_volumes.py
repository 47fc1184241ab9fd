"""``dataset.intensity`` of slices and sequences: what is trained on is what is predicted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from segkit.core.errors import SegkitError
from segkit.core.planes import Planes
from segkit.data import volumes
from segkit.data.readers.folder import Folder
from segkit.data.volumes import volume_window
from segkit.imaging.intensity import Extremes
from segkit.imaging.pixels import to_uint8
from segkit.imaging.tiff_volume import write_stack
from segkit.inference.names import Input
from segkit.inference.volumes import VolumeRows
from tests.data.readers.nifti_files import SHAPE, affine_of, planes, save, voxels

RULES: list[Any] = ["image", "channel", "stored", (-500.0, 900.0)]


def read(root: Path, rule: Any, **settings: Any) -> dict[str, Any]:
    """Images by the ids of their records."""
    reader = Folder(root, classes=None, **settings)
    reader.intensity = rule
    return {record.id: reader.read(record).image for record in reader.listing().records}


@pytest.mark.parametrize("rule", [*RULES, "group", "standard"])
def test_sequences_of_other_depths_are_predicted_as_trained(tmp_path: Path, rule: Any) -> None:
    values = np.random.default_rng(0).integers(0, 171, SHAPE)  # 171 values become 0…255 by 1.5
    kinds = {"u1": values.astype(np.uint8), "f8": values * 1e-3, "i2": voxels(1)}
    files = [
        Input(save(tmp_path / "imagesTr" / f"a_{number:04}.nii.gz", data.astype(kind)))
        for number, (kind, data) in enumerate(kinds.items())
    ]
    save(tmp_path / "labelsTr" / "a.nii.gz", (values > 99).astype(np.uint8))
    volume = Input(files[0].path, sequences=tuple(files[1:])).open(1, rule)
    assert isinstance(volume, VolumeRows)
    for number, image in enumerate(read(tmp_path, rule).values()):
        np.testing.assert_array_equal(image, volume.image(number))


@pytest.mark.parametrize("rule", RULES)
def test_stacks_of_colours_as_sequences(tmp_path: Path, rule: Any) -> None:
    stacks = np.random.default_rng(0).integers(0, 60_000, (2, 3, 12, 10, 3)).astype(np.uint16)
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "labelsTr").mkdir()
    paths = [tmp_path / "imagesTr" / f"a_{number:04}.tif" for number in range(2)]
    for path, stack in zip(paths, stacks, strict=True):
        tifffile.imwrite(path, stack, photometric="rgb", metadata={"axes": "ZYXS"})
    truth = (stacks[0, ..., 0] > 30_000).astype(np.uint8)
    write_stack(tmp_path / "labelsTr" / "a.tif", truth)
    found = read(tmp_path, rule, z="slices")
    cut = Planes(z="slices")
    opened = [Input(path, planes=cut).open(1, rule) for path in paths]
    for number, image in enumerate(found.values()):
        both = [volume.rows(12 * number, 12 * number + 12) for volume in opened]
        np.testing.assert_array_equal(image, np.dstack(both))


def test_volumes_of_a_group_are_scaled_together(tmp_path: Path) -> None:
    for name, factor in (("p1_a", 1), ("p1_b", 8), ("p2_a", 1)):
        data = (voxels(ord(name[-1])) + 1000) * factor
        save(tmp_path / "images" / f"{name}.nii.gz", data.astype(np.int16), affine_of("LAS"))
        truth = np.zeros(SHAPE, np.uint8)
        save(tmp_path / "masks" / f"{name}.nii.gz", truth, affine_of("LAS"))
    found = read(tmp_path, "group", group_pattern="^(p[12])_")
    stored = {n: planes(tmp_path / "images" / f"{n}.nii.gz") for n in ("p1_a", "p1_b", "p2_a")}
    for group in ("p1", "p2"):
        names, seen = [name for name in stored if name.startswith(group)], Extremes()
        for plane in np.concatenate([stored[name] for name in names]):
            seen.add(plane)
        for name in names:
            for number, plane in enumerate(stored[name]):
                expected = to_uint8(plane, "", seen.window("group"))
                np.testing.assert_array_equal(found[f"{name}#{number}"], expected)


@pytest.mark.parametrize("rule", ["group", "standard"])
def test_a_group_of_nothing_that_can_be_scaled_is_refused(tmp_path: Path, rule: str) -> None:
    for name in ("p1_a", "p1_b"):
        data = voxels(0).astype(np.float32)
        data[:] = np.nan
        save(tmp_path / "images" / f"{name}.nii.gz", data)
        save(tmp_path / "masks" / f"{name}.nii.gz", np.zeros(SHAPE, np.uint8))
    with pytest.raises(SegkitError, match="NaN"):
        read(tmp_path, rule, group_pattern="^(p1)_")


def test_what_cannot_be_scaled_is_found_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = voxels(0).astype(np.float32)
    data[..., -1] = np.nan
    save(tmp_path / "images" / "a.nii.gz", data)
    save(tmp_path / "masks" / "a.nii.gz", np.zeros(SHAPE, np.uint8))
    reader, looked = Folder(tmp_path, classes=None), list[str]()
    reader.intensity = "image"

    def counted(stack: Any, rule: Any, name: str) -> Any:
        looked.append(name)
        return volume_window(stack, rule, name)

    monkeypatch.setattr(volumes, "volume_window", counted)
    for record in reader.listing().records:
        with pytest.raises(SegkitError, match="NaN"):
            reader.read(record)
    assert len(looked) == 1
