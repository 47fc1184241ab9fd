"""Tasks that ask data sets for objects."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.chest_xray import ChestXray
from segkit.data.readers.deepcell import DeepCell
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.readers.lgg_mri import LggMri
from segkit.data.readers.phantom import Phantom
from tests.data.readers.labels import labels_of, picture, samples, squares


def asked(reader: Reader) -> Reader:
    reader.require_objects()
    return reader


@pytest.mark.parametrize("kind", [ChestXray, LggMri])
def test_masks_of_classes_are_refused_before_a_file_is_opened(
    kind: type[ChestXray] | type[LggMri], tmp_path: Path
) -> None:
    with pytest.raises(SegkitError, match="no object is told apart") as caught:
        asked(kind(tmp_path / "nowhere"))
    assert "task=semantic" in caught.value.remedy


def test_phantoms_have_labels(tmp_path: Path) -> None:
    reader = asked(Phantom(tmp_path, count=3, image_size=64, seed=1))
    assert all(labels_of(sample).max() > 1 for sample in samples(reader).values())
    assert reader.cautions() == []


def nuclei(root: Path, *, below: str) -> Path:
    """DSB2018's layout; the second nucleus lies over the half of the first, the third over all."""
    picture(root / below / "images" / f"{below}.png")
    for number, columns in enumerate((slice(4, 8), slice(6, 12), slice(6, 12))):
        mask = np.zeros((48, 48), np.uint8)
        mask[4:8, columns] = 255
        (root / below / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(root / below / "masks" / f"{number}.png")
    return root


def test_nuclei_that_overlap_are_told(tmp_path: Path) -> None:
    root = nuclei(tmp_path, below="ab")
    (sample,) = samples(Dsb2018(root)).values()
    assert np.unique(labels_of(sample)).tolist() == [0, 1, 3]
    assert Dsb2018(root).cautions() == []  # to a task of classes it is all one
    first, second = asked(Dsb2018(root)).cautions()
    assert "75.0% of their pixels" in first.what
    assert "1 objects of 1 images lie wholly under later ones" in second.what


def test_one_mask_for_all_nuclei_is_told(tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / "train" / "inputs" / f"{name}.png")
        (tmp_path / "train" / "masks").mkdir(exist_ok=True)
        mask = ((squares(9) > 0) * 255).astype(np.uint8)
        Image.fromarray(mask).save(tmp_path / "train" / "masks" / f"{name}.png")
    reader = asked(Dsb2018(tmp_path))
    (caution,) = reader.cautions()
    assert "the masks of 2 images" in caution.what
    assert all(labels_of(sample).max() == 2 for sample in samples(reader).values())


def test_deepcell_s_pictures_are_told_and_its_arrays_are_not(tmp_path: Path) -> None:
    arrays = np.zeros((2, 48, 48, 1), np.float32)
    np.savez_compressed(tmp_path / "train.npz", X=arrays, y=np.stack([squares(64)] * 2)[..., None])
    reader = asked(DeepCell(tmp_path))
    assert reader.cautions() == []
    for sample in samples(reader).values():
        np.testing.assert_array_equal(labels_of(sample), squares(64))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for kind in ("images", "masks"):
            picture(tmp_path / "a.jpg")
            archive.write(tmp_path / "a.jpg", f"DeepCell/test/{kind}/a.jpg")
    assert DeepCell(tmp_path / "x.zip").cautions() == []
    (caution,) = asked(DeepCell(tmp_path / "x.zip")).cautions()
    assert "objects that touch are one" in caution.what
    assert caution.where == "DeepCell/test/masks/a.jpg"
