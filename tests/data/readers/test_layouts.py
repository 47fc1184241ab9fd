"""Layouts of published data sets, found by their names; and what is said where there is doubt."""

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.readers.folder import Folder
from segkit.data.readers.pairs import one_file_an_object
from tests.data.mask_files import bars, placed, png, read, reader_of, replaced, typed
from tests.data.readers.nifti_files import save, voxels
from tests.data.trees import placed as written

TWO = ("background", "foreground")
IMAGE, LEFT, RIGHT = png(bars(7, 90)), png(bars(0, 255)), png(bars(0, 0, 255))
# By layout: each record's id with its split, its image and its masks; and files that are left out.
Expected = dict[tuple[str, str], tuple[str, ...]]
LAYOUTS: dict[str, tuple[Expected, tuple[str, ...]]] = {
    "labels": ({("a", ""): ("images/a.tif", "labels/a.png")}, ()),
    "label": ({("a", ""): ("image/a.png", "label/a.png")}, ()),
    "annotations": ({("d1/a", ""): ("x/imgs/d1/a.png", "x/annotations/d1/a.png")}, ()),
    "Masks": ({("a", ""): ("Images/a.PNG", "Masks/a.TIF")}, ()),
    "splits": (
        {
            ("train/a", "train"): ("image/train/a.png", "label/train/a.png"),
            ("val/a", "val"): ("image/val/a.png", "label/val/a.png"),
        },
        (),
    ),
    "DRIVE": (
        {
            ("test/01", "test"): ("test/images/01_test.tif", "test/1st_manual/01_manual1.gif"),
            ("train/21", "train"): (
                "training/images/21_training.tif",
                "training/1st_manual/21_manual1.gif",
            ),
        },
        ("training/mask/21_training_mask.gif", "test/2nd_manual/01_manual2.gif"),
    ),
    "DRIVE in one folder": ({("21", ""): ("21_training.tif", "21_manual1.gif")}, ()),
    "Pascal VOC": (
        {("2007_1", ""): ("VOC/JPEGImages/2007_1.jpg", "VOC/SegmentationClass/2007_1.png")},
        ("VOC/SegmentationObject/2007_1.png",),
    ),
    "Carvana": (
        {("train/car_01", "train"): ("train/car_01.jpg", "train_masks/car_01_mask.gif")},
        ("test/car_02.jpg",),
    ),
    "Carvana in one folder": ({("car_01", ""): ("cars/car_01.jpg", "cars/car_01_mask.gif")}, ()),
    "ISIC 2018": (
        {
            ("train/ISIC_0000000", "train"): (
                "ISIC2018_Task1-2_Training_Input/ISIC_0000000.jpg",
                "ISIC2018_Task1_Training_GroundTruth/ISIC_0000000_segmentation.png",
            ),
            ("val/ISIC_0000001", "val"): (
                "ISIC2018_Task1-2_Validation_Input/ISIC_0000001.jpg",
                "ISIC2018_Task1_Validation_GroundTruth/ISIC_0000001_segmentation.png",
            ),
        },
        (),
    ),
    "ISIC in one folder": (
        {("ISIC_0000000", ""): ("ISIC_0000000.jpg", "ISIC_0000000_segmentation.png")},
        (),
    ),
    "train_images": ({("train/a", "train"): ("train_images/a.png", "train_masks/a.png")}, ()),
    "BUSI": (
        {
            ("benign/benign (1)", ""): (
                "BUSI/benign/benign (1).png",
                "BUSI/benign/benign (1)_mask.png",
                "BUSI/benign/benign (1)_mask_1.png",
            ),
            ("normal/normal (1)", ""): (
                "BUSI/normal/normal (1).png",
                "BUSI/normal/normal (1)_mask.png",
            ),
        },
        (),
    ),
    "OME-TIFF, a mask of the short name": (
        {("a", ""): ("images/a.ome.tif", "masks/a.tif"),
         ("b", ""): ("images/b.OME.TIFF", "masks/b.png")},
        (),
    ),
    "OME-TIFF, a mask of the long name": (
        {("a", ""): ("imgs/a.ome.tif", "labels/a.ome.tif")},
        (),
    ),
    "OME-TIFF and what was predicted of it": (
        {("a", ""): ("images/a.ome.tif", "masks/a.ome.png")},
        (),
    ),
    "OME-TIFF in one folder": ({("a", ""): ("a.ome.tif", "a_mask.png")}, ()),
    "Cellpose": ({("a", ""): ("a.tif", "a_cp_masks.png")}, ()),
    "Cellpose, apart": ({("a", ""): ("images/a.tif", "masks/a_cp_masks.tif")}, ()),
    "several masks beside": (
        {("a", ""): ("images/a.png", "masks/a_mask.png", "masks/a_mask_1.png")},
        (),
    ),
    "LGG, in a folder called images": (
        {("p1/a_1", ""): ("images/p1/a_1.tif", "images/p1/a_1_mask.tif"),
         ("p2/a_1", ""): ("images/p2/a_1.tif", "images/p2/a_1_mask.tif")},
        (),
    ),
}  # fmt: skip


def files_of(expected: Expected, extra: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The format is read by content."""
    found = dict.fromkeys(extra, LEFT)
    for image, *masks in expected.values():
        found |= {image: IMAGE, **dict(zip(masks, (LEFT, RIGHT), strict=False))}
    return found


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("holder", ["folder", "stored zip"])
def test_a_layout_is_found_by_its_names(tmp_path: Path, name: str, holder: str) -> None:
    expected, extra = LAYOUTS[name]
    root = written(tmp_path, files_of(expected, extra), holder)
    reader = Folder(root, classes=TWO)
    found = reader.listing()
    assert found.problems == []
    assert {(r.id, r.split): (r.image, *r.masks) for r in found.records} == expected
    for record in found.records:
        mask = reader.read(record).mask
        union = bars(0, 1) | bars(0, 0, 1) if len(record.masks) == 2 else bars(0, 1)
        np.testing.assert_array_equal(mask, union)
    assert (reader.passed_over() != "") == bool(extra)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_and_accents_of_a_mac(tmp_path: Path, form: Any) -> None:
    other: Any = "NFD" if form == "NFC" else "NFC"
    image = unicodedata.normalize(form, "Süd/images/é/ä.png")
    mask = unicodedata.normalize(other, "Süd/masks/é/ä.png")
    several = unicodedata.normalize(other, "Süd/masks/é/ö/1.png")
    more = unicodedata.normalize(form, "Süd/images/é/ö.png")
    root = written(tmp_path, {image: IMAGE, mask: LEFT, several: LEFT, more: IMAGE})
    reader = Folder(root, classes=TWO)
    found = reader.listing()
    assert found.problems == []
    assert [record.id for record in found.records] == ["é/ä", "é/ö"]
    assert [record.image for record in found.records] == [image, more]
    assert len(read(reader)) == 2
    assert [one_file_an_object(record) for record in found.records] == [False, True]


def test_both_forms_of_a_name_are_two_files(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "images/ä.png") for form in ("NFC", "NFD")]
    root = written(tmp_path, {**dict.fromkeys(names, IMAGE), "masks/ä.png": LEFT})
    found = Folder(root, classes=TWO).listing()
    assert [record.image for record in found.records] == [names[0]]
    assert [(p.where, p.what) for p in found.problems] == [(names[1], "an image without a mask")]


def told(root: Path, *given: str) -> SegkitError:
    with pytest.raises(SegkitError) as caught:
        reader_of(root, *given).listing()
    return caught.value


def test_two_folders_of_masks_are_in_doubt(tmp_path: Path) -> None:
    root = written(tmp_path, {"imgs/a.png": IMAGE, "labels/a.png": LEFT, "gt/a.png": RIGHT})
    error = told(root)
    assert error.what == "2 folders may hold the masks"
    assert error.where == "gt/, labels/"
    for name, truth in (("gt", bars(0, 0, 1)), ("labels", bars(0, 1))):
        assert f"dataset.masks={name}" in error.remedy
        (mask,) = read(reader_of(root, f"dataset.masks={name}"))
        np.testing.assert_array_equal(mask, truth)


def test_masks_go_before_other_folders(tmp_path: Path) -> None:
    root = written(tmp_path, {"images/a.png": IMAGE, "masks/a.png": LEFT, "labels/a.png": RIGHT})
    np.testing.assert_array_equal(read(reader_of(root))[0], bars(0, 1))
    (mask,) = read(reader_of(root, "dataset.masks=labels"))
    np.testing.assert_array_equal(mask, bars(0, 0, 1))


def test_folders_of_any_name(tmp_path: Path) -> None:
    files = {"set/A photos/a.jpg": IMAGE, "set/outlines/a_seg.png": LEFT, "set/more/x.png": LEFT}
    root = written(tmp_path, files)
    error = told(root)
    assert "set/A photos/ and set/outlines/ have 1 names in common" in error.remedy
    (way,) = [way for way in typed(error.remedy) if len(way) == 2]
    reader = reader_of(root, *replaced((), way))
    assert [record.id for record in reader.listing().records] == ["a"]
    np.testing.assert_array_equal(read(reader)[0], bars(0, 1))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    root = placed(tmp_path, {"a.png": LEFT})
    error = told(root, "dataset.masks=mask")
    assert error.where == "dataset.masks=mask"
    assert "images/ and masks/ have 1 names in common" in error.remedy


def test_what_is_missing_in_such_a_layout_is_told(tmp_path: Path) -> None:
    files = {"a.png": IMAGE, "a_mask.png": LEFT, "b.png": IMAGE, "c_mask.png": LEFT}
    found = Folder(written(tmp_path, files), classes=TWO).listing()
    assert [record.id for record in found.records] == ["a"]
    assert [(p.where, p.what) for p in found.problems] == [
        ("b.png", "an image without a mask"),
        ("c_mask.png", "a mask without an image"),
    ]


def test_several_masks_may_be_objects(tmp_path: Path) -> None:
    expected, _ = LAYOUTS["BUSI"]
    root = written(tmp_path, files_of(expected))
    reader = Folder(root, classes=TWO)
    reader.require_objects()
    with pytest.raises(SegkitError, match="several masks of one image") as caught:
        reader.listing()
    assert "dataset.labels=objects" in caught.value.remedy
    reader = Folder(root, classes=TWO, labels="objects")
    reader.require_objects()
    record = reader.listing().records[0]
    labels = reader.read(record).instances
    assert labels is not None
    np.testing.assert_array_equal(labels, bars(0, 1) + bars(0, 0, 1) * 2)


@pytest.mark.parametrize(
    ("image", "mask"),
    [("imgs/a.nii.gz", "labels/a_seg.nii.gz"), ("p1/a.nii.gz", "p1/a_seg.nii.gz")],
)
def test_of_volumes_too(tmp_path: Path, image: str, mask: str) -> None:
    save(tmp_path / image, voxels(0))
    save(tmp_path / mask, (voxels(0) > 0).astype(np.uint8))
    record = Folder(tmp_path, classes=TWO).listing().records[1]
    assert (record.image, record.masks) == (f"{image}#1", (f"{mask}#1",))
    (tmp_path / image).parent.rename(tmp_path / "odd")
    if mask.startswith("labels"):
        with pytest.raises(SegkitError, match=r"dataset\.images=odd dataset\.masks=labels"):
            Folder(tmp_path, classes=TWO).listing()
