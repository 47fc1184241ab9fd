"""Classes that differ by their side, and augmentation that swaps the sides."""

from pathlib import Path

import numpy as np
import pytest

from segkit.data.augment import Augmentation
from segkit.data.sides import side_cautions, sided, swaps_sides
from tests.data.augmentations import CONF, build

LUNGS = ("background", "left lung", "right lung")
MIRRORED = {
    "light",
    "flip",
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


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_which_augmentation_swaps_sides(name: str) -> None:
    assert swaps_sides(build(name)) == (name in MIRRORED)


def test_upright_never_mirrors_and_never_turns_far() -> None:
    """A broad bar at the left, another at the top: they stay there, in all draws."""
    image = np.full((64, 64, 1), 100, np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :24], mask[:24, 24:] = 1, 2
    augmentation = build("upright")
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


def test_the_readme_names_it_for_upright_anatomy() -> None:
    lines = (Path(__file__).parents[2] / "README.md").read_text("utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith("| upright anatomy")]
    assert "`augment=upright`" in row
    assert "left and right" in row
