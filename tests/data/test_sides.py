"""Classes that differ by their side, and augmentation that swaps the sides."""

import re

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.data.augment import Augmentation
from segkit.data.sides import side_cautions, sided, sided_by_masks, swaps_sides
from tests.data.augmentations import CONF, build
from tests.documents import DOCUMENTS

LUNGS = ("background", "left lung", "right lung")
MIRRORED = {
    "light",
    "flip",
    "robust",
    "robust_stains",
    "scaled",
    "strong",
    "keras_generator",
    "ancestor_deepcell",
    "device_light",
}


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (LUNGS, ["left lung", "right lung"]),
        (("background", "lung_left", "lung_right", "heart"), ["lung_left", "lung_right"]),
        (("background", "LeftKidney", "RightKidney"), ["LeftKidney", "RightKidney"]),
        (("background", "l_lung", "r_lung"), ["l_lung", "r_lung"]),
        (("background", "lung L", "lung R"), ["lung L", "lung R"]),
        (("background", "left ventricle", "myocardium"), []),
        (("background", "cell", "nucleus"), []),
        (("background", "flower", "frower"), []),
        (("background", "bright", "bleft"), ["bright", "bleft"]),
    ],
)
def test_names_that_are_mirror_images(classes: tuple[str, ...], found: list[str]) -> None:
    assert sided(classes) == found


def chests(count: int, *, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Two lungs (1, 2) and a heart (3) between them, each chest somewhat elsewhere."""
    generator = np.random.default_rng(seed)
    masks = []
    for _ in range(count):
        mask = np.zeros((96, 80), np.uint8)
        down, right = generator.integers(-4, 5, 2)
        for k, (column, row, width, height) in enumerate(
            [(20, 48, 11, 30), (58, 46, 12, 28), (42, 62, 9, 10)], start=1
        ):
            centre = (int(column + right), int(row + down))
            cv2.ellipse(mask, centre, (width, height), 0, 0, 360, k, -1)
        masks.append(mask)
    return masks


CLASSES = ("background", "1", "2", "3")


def test_masks_tell_sides_that_names_do_not() -> None:
    assert sided_by_masks(CLASSES, chests(8)) == ["1", "2"]
    (caution,) = side_cautions(CLASSES, build("light"), chests(8))
    assert "1, 2 differ by their side" in caution.what
    assert side_cautions(CLASSES, build("upright"), chests(8)) == []


def test_masks_of_classes_that_lie_anywhere_tell_no_sides() -> None:
    generator = np.random.default_rng(1)
    cells = []
    for _ in range(60):
        mask = np.zeros((64, 64), np.uint8)
        for k in (1, 2, 1, 2):
            row, column = generator.integers(8, 56, 2)
            cv2.circle(mask, (int(column), int(row)), 8, k, -1)
        cells.append(mask)
    assert sided_by_masks(("background", "dividing", "resting"), cells) == []


def test_few_masks_one_class_and_nested_classes_tell_nothing() -> None:
    assert sided_by_masks(CLASSES, chests(4)) == []
    assert sided_by_masks(("background", "lung"), chests(8)) == []
    nested = [np.where(each == 2, 0, each).astype(np.uint8) for each in chests(8)]
    assert sided_by_masks(CLASSES, nested) == [], "lung and heart are no mirror images"


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_which_augmentation_swaps_sides(name: str) -> None:
    assert swaps_sides(build(name)) == (name in MIRRORED)


@pytest.mark.parametrize("name", ["upright", "robust_upright"])
def test_upright_never_mirrors_and_never_turns_far(name: str) -> None:
    """A broad bar at the left, another at the top: they stay there, in all draws."""
    image = np.full((64, 64, 1), 100, np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :24], mask[:24, 24:] = 1, 2
    augmentation = build(name)
    moved = 0
    for seed in range(500):
        drawn = augmentation(image, mask, seed=seed)[1]
        rows, columns = ([np.nonzero(drawn == k)[axis].mean() for k in (1, 2)] for axis in (0, 1))
        assert columns[0] + 10 < columns[1]
        assert rows[1] + 10 < rows[0]
        moved += not np.array_equal(drawn, mask)
    assert moved > 300


@pytest.mark.parametrize("name", sorted(MIRRORED))
def test_the_caution_names_an_augmentation_that_is_there_and_does_not(name: str) -> None:
    (caution,) = side_cautions(LUNGS, build(name))
    assert "left lung, right lung" in caution.what
    assert "augment=upright" in caution.remedy
    assert ("device_cache=false" in caution.remedy) == (name == "device_light")
    assert side_cautions(LUNGS, build("upright")) == []


def test_no_caution_where_sides_do_not_matter_or_are_kept() -> None:
    assert side_cautions(("background", "cell"), build("flip")) == []
    assert side_cautions(LUNGS, Augmentation(transforms=[])) == []


def test_a_page_names_it_for_upright_anatomy() -> None:
    texts = [paragraph for page in DOCUMENTS for paragraph in page.read_text("utf-8").split("\n\n")]
    lines = [
        line for text in texts for line in (text.splitlines() if text.startswith("|") else [text])
    ]
    told = [line for line in lines if "`augment=upright`" in line]
    assert any({"left", "right"} <= {*re.findall(r"\w+", line)} for line in told)
