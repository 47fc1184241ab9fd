"""The user's own data: settings, groups, mask values."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import OmegaConf
from PIL import Image

from segkit.core.contracts import check_sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from tests.data.mask_files import soft

CONF = Path(__file__).parents[3] / "conf"
TWO = ("background", "foreground")
SHAPE = np.array([[0, 0, 1, 1], [0, 1, 1, 0]], np.uint8)
IMAGE = np.random.default_rng(0).integers(0, 255, (2, 4, 3)).astype(np.uint8)


def save(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def tree(root: Path, pairs: dict[str, str | None], mask: NDArray[Any] = SHAPE * 255) -> Path:
    """Write image files, each with its mask file or None."""
    for image, truth in pairs.items():
        save(root / image, IMAGE)
        if truth is not None:
            save(root / truth, mask)
    return root


def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path
) -> None:
    pairs: dict[str, str | None] = {f"images/{name}.png": f"masks/{name}.png" for name in "bac"}
    contract(tree(tmp_path / "set", pairs), partial(Folder, classes=TWO))


def test_nothing_to_read_shows_the_layout(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match="is not there"):
        Folder(tmp_path / "typo", classes=TWO).listing()
    save(tmp_path / "scan.png", IMAGE)
    with pytest.raises(SegkitError, match="no record of Folder") as caught:
        Folder(tmp_path, classes=TWO).listing()
    assert "images/a.png with masks/a.png" in caught.value.remedy


def test_its_images_alone_are_told_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "own" / "images").mkdir(parents=True)
    (tmp_path / "own" / "images" / "a.png").write_bytes(b"")
    with pytest.raises(SegkitError) as caught:
        Folder(tmp_path / "own" / "images", classes=["a", "b"]).listing()
    assert f"dataset.root={tmp_path / 'own'};" in caught.value.remedy


def test_groups_come_from_the_id(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {f"images/{name}.png": f"masks/{name}.png" for name in ("p1_a", "p1_b", "p22_a")},
    )
    reader = Folder(root, classes=TWO, group_pattern=r"^(p\d+)_")
    assert [record.group for record in reader.listing().records] == ["p1", "p1", "p22"]
    reader = Folder(root, classes=TWO, group_pattern=r"^(p1)_")
    with pytest.raises(SegkitError, match="'p22_a' does not fit"):
        reader.listing()


@pytest.mark.parametrize("pattern", ["^p1_", "^(p)(1)_", "^(p1_"])
def test_a_pattern_must_have_one_group(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SegkitError, match="with one group") as caught:
        Folder(tmp_path, classes=TWO, group_pattern=pattern)
    assert caught.value.where == f"dataset.group_pattern={pattern}"


def read_mask(root: Path, mask: NDArray[Any], **settings: Any) -> NDArray[np.uint8] | None:
    reader = Folder(
        tree(root, {"images/a.png": "masks/a.png"}, mask), **{"classes": TWO, **settings}
    )
    return reader.read(reader.listing().records[0]).mask


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


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"classes": ["background"]}, "dataset.classes"),
        ({"mask_values": {0: 0, 255: 2}}, "dataset.mask_values"),
        ({"mask_values": {0: 0, 255: -1}}, "dataset.mask_values"),
        ({"mask_values": {0: 0}, "mask_threshold": 9}, "dataset.mask_threshold"),
        ({"classes": ["a", "b", "c"], "mask_threshold": 9}, "dataset.mask_threshold"),
    ],
)
def test_settings_that_contradict_each_other(
    tmp_path: Path, settings: dict[str, Any], where: str
) -> None:
    with pytest.raises(SegkitError) as caught:
        Folder(tmp_path, **{"classes": TWO, **settings})
    assert where in caught.value.where


def test_settings_that_change_pixels_are_parameters(tmp_path: Path) -> None:
    plain = Folder(tmp_path, classes=TWO, group_pattern="(a)").parameters()
    assert plain == Folder(tmp_path, classes=TWO).parameters()
    assert plain != Folder(tmp_path, classes=TWO, mask_threshold=127).parameters()
    maps: list[dict[int | str, int]] = [{0: 0, 255: 1}, {255: 1, 0: 0}, {0: 1, 255: 0}]
    mapped = [Folder(tmp_path, classes=TWO, mask_values=values).parameters() for values in maps]
    assert mapped[0] == mapped[1] != mapped[2]


def test_the_configuration_builds_the_reader(tmp_path: Path) -> None:
    overrides = [
        "+dataset=folder",
        f"dataset.root={tmp_path}",
        "dataset.classes=[ground,cell]",
        "dataset.mask_values={0: 0, 0xff0000: 1}",
        r"dataset.group_pattern='^(p\d+)_'",
        "+seed=0",
    ]
    with initialize_config_dir(str(CONF), version_base=None):
        config = compose(overrides=overrides)
        assert OmegaConf.is_missing(compose(overrides=["+dataset=folder"]).dataset, "root")
    reader = instantiate(OmegaConf.to_container(config.dataset, resolve=True))["reader"]
    assert isinstance(reader, Folder)
    assert reader.classes == ("ground", "cell")
    assert reader.mask_values == {0: 0, "0xff0000": 1}
    assert reader.group_pattern is not None
    assert reader.mask_threshold is None


def shown(path: Path, size: tuple[int, int], value: int) -> None:
    """An image of rows and columns that a viewer turns."""
    path.parent.mkdir(exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = value
    pixels = np.zeros(size, np.uint8)
    pixels[:2, :3] = 255
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize(
    ("image", "mask", "turns", "wrong"),
    [
        ((6, 8), (6, 8), (1, 1), ""),
        ((6, 8), (6, 8), (3, 3), ""),
        ((6, 8), (6, 8), (6, 1), ""),  # upright it would not fit: it is of the stored pixels
        ((6, 8), (8, 6), (6, 1), "EXIF orientation 1 of an image with 6"),
        ((6, 8), (6, 8), (3, 1), "EXIF orientation 1 of an image with 3"),
        ((6, 8), (6, 8), (1, 2), "EXIF orientation 2 of an image with 1"),
        ((6, 8), (6, 8), (5, 6), "EXIF orientation 6 of an image with 5"),
        ((8, 8), (8, 8), (8, 1), "EXIF orientation 1 of an image with 8"),
    ],
)
def test_an_image_that_may_be_turned_against_its_mask(
    tmp_path: Path,
    image: tuple[int, int],
    mask: tuple[int, int],
    turns: tuple[int, int],
    wrong: str,
) -> None:
    shown(tmp_path / "images" / "a.png", image, turns[0])
    shown(tmp_path / "masks" / "a.png", mask, turns[1])
    reader = Folder(tmp_path, classes=("background", "cell"))
    (record,) = reader.listing().records
    if not wrong:
        sample = reader.read(record)
        assert sample.mask is not None
        np.testing.assert_array_equal(sample.image, sample.mask * 255)
        return
    with pytest.raises(SegkitError, match=wrong) as caught:
        reader.read(record)
    assert caught.value.where.endswith("masks/a.png")
