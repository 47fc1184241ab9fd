"""What the user's own masks hold: values, palettes, colours, alpha."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.core.contracts import check_sample
from segkit.core.errors import SegkitError
from segkit.data.readers.folder import Folder
from tests.data.mask_files import soft
from tests.data.readers.folder_files import SHAPE, TWO, read_mask, save, tree


@pytest.mark.parametrize(
    "mask",
    [SHAPE, SHAPE * 255, SHAPE > 0, np.stack([SHAPE * 255] * 3, 2), SHAPE.astype(np.uint16)],
)
def test_two_classes_need_no_setting(tmp_path: Path, mask: NDArray[Any]) -> None:
    np.testing.assert_array_equal(read_mask(tmp_path, mask), SHAPE)


def test_other_values_need_one(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match="the values 0, 7; with two classes") as caught:
        read_mask(tmp_path, SHAPE * 7)
    assert caught.value.where == str(tmp_path / "masks" / "a.png")
    mask = read_mask(tmp_path, SHAPE * 7, mask_values={0: 1, "7": 0})
    np.testing.assert_array_equal(mask, 1 - SHAPE)
    with pytest.raises(SegkitError, match=r"\[7\] are not in the map"):
        read_mask(tmp_path, SHAPE * 7, mask_values={0: 0, 255: 1})
    np.testing.assert_array_equal(read_mask(tmp_path, SHAPE * 7, mask_threshold=3), SHAPE)


def test_jpeg_masks_ask_for_the_threshold(tmp_path: Path) -> None:
    disc = np.hypot(*np.mgrid[-16:16, -16:16]) < 9
    pairs: dict[str, str | None] = {"images/a.png": "masks/a.jpg"}
    root = tree(tmp_path, pairs, np.where(disc, 255, 0).astype(np.uint8))
    save(root / "images" / "a.png", np.zeros((32, 32), np.uint8))
    reader = Folder(root, classes=TWO)
    with pytest.raises(SegkitError, match="masks hold the values") as caught:
        reader.read(reader.listing().records[0])
    assert "dataset.mask_threshold=127" in caught.value.remedy
    reader = Folder(root, classes=TWO, mask_threshold=127)
    np.testing.assert_array_equal(reader.read(reader.listing().records[0]).mask, disc)


def test_three_classes_are_stored_as_they_are_or_mapped(tmp_path: Path) -> None:
    three = ("background", "nucleus", "debris")
    mask = np.array([[0, 1, 2, 1]] * 2, np.uint8)
    np.testing.assert_array_equal(read_mask(tmp_path, mask, classes=three), mask)
    with pytest.raises(SegkitError, match=r"\[3\] are not in the map"):
        read_mask(tmp_path, mask + 1, classes=three)
    mapped = read_mask(tmp_path, mask, classes=three, mask_values={0: 2, 1: 0, 2: 1})
    np.testing.assert_array_equal(mapped, [[2, 0, 1, 0]] * 2)


def test_palettes_count_by_index_and_colours_by_name(tmp_path: Path) -> None:
    root = tree(tmp_path, {"images/a.png": "masks/a.png"})
    picture = Image.frombytes("P", (4, 2), SHAPE.tobytes())
    picture.putpalette([0, 0, 0, 128, 0, 0])
    picture.save(root / "masks" / "a.png")
    settings: list[dict[int | str, int] | None] = [None, {0: 0, 1: 1}, {0: 0, "#800000": 1}]
    for mask_values in settings:
        reader = Folder(root, classes=TWO, mask_values=mask_values)
        np.testing.assert_array_equal(reader.read(reader.listing().records[0]).mask, SHAPE)


def transparent(colour: Sequence[int], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    plane = np.broadcast_to(np.array(colour, np.uint8), (*alpha.shape, len(colour)))
    return np.dstack([plane, alpha])


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0,), (255,)])
def test_alpha_is_the_mask_where_colours_are_one(tmp_path: Path, colour: tuple[int, ...]) -> None:
    drawn = transparent(colour, SHAPE * 255)
    np.testing.assert_array_equal(read_mask(tmp_path / "a", drawn), SHAPE)
    np.testing.assert_array_equal(read_mask(tmp_path / "t", drawn, mask_threshold=99), SHAPE)
    np.testing.assert_array_equal(read_mask(tmp_path / "o", drawn, labels="objects"), SHAPE)
    nothing = transparent(colour, SHAPE * 0)
    np.testing.assert_array_equal(read_mask(tmp_path / "b", nothing), SHAPE * 0)


def test_alpha_is_no_mask_otherwise(tmp_path: Path) -> None:
    for alpha in (SHAPE * 0 + 255, np.flip(SHAPE, axis=1) * 255):
        drawn = np.dstack([SHAPE * 255] * 3 + [alpha])
        np.testing.assert_array_equal(read_mask(tmp_path, drawn), SHAPE)
    opaque = transparent((255, 255, 255), SHAPE * 0 + 255)
    np.testing.assert_array_equal(read_mask(tmp_path, opaque), SHAPE * 0 + 1)


def test_soft_alpha_asks_for_the_threshold(tmp_path: Path) -> None:
    """What is said of it is of alpha, not of the one colour."""
    data = np.dstack([np.zeros((48, 48, 3), np.uint8), soft().astype(np.uint8)])
    with pytest.raises(SegkitError) as caught:
        read_mask(tmp_path, data)
    assert "dataset.mask_threshold=127" in caught.value.remedy


def test_a_mask_of_another_size_is_left_to_the_common_check(tmp_path: Path) -> None:
    root = tree(tmp_path, {"images/a.png": "masks/a.png"}, SHAPE.T)
    reader = Folder(root, classes=TWO)
    record = reader.listing().records[0]
    with pytest.raises(SegkitError, match="4×2 against 2×4"):
        check_sample(reader.read(record), record, 2)
