"""Data sets that cannot be trained on, whole or in part: what is said of them, and what is done."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.commands.mistakes import Mistake, own, write

# In this process the warnings that the command sends to its log would be errors.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")


def test_the_data_are_good_before_they_are_spoilt(
    command: Callable[..., tuple[int, str]], data: Path, tmp_path: Path
) -> None:
    code, said = command(*own(data))
    assert code == 0, said
    assert len(list((tmp_path / "work" / "outputs").rglob("summary.json"))) == 1


def test_a_root_that_is_missing(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data.with_name("dat")))
    assert f"dataset.root={data.with_name('dat')}" in said
    assert "did you mean" in said
    assert "data" in said.partition("fix:")[2]


def test_an_empty_folder(mistake: Mistake, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = mistake(*own(tmp_path / "empty"))
    assert str(tmp_path / "empty") in said
    assert "images/a.png with masks/a.png" in said


@pytest.mark.parametrize(("gone", "alone"), [("masks", "images"), ("images", "masks")])
def test_one_of_a_pair_is_missing(mistake: Mistake, data: Path, gone: str, alone: str) -> None:
    (data / gone / "3.png").unlink()
    said = mistake(*own(data))
    assert f"{alone}/3.png" in said
    assert "on_bad_record=skip" in said


def test_no_mask_is_called_like_its_image(mistake: Mistake, data: Path) -> None:
    for path in (data / "masks").iterdir():
        path.rename(path.with_name(f"mask {path.name}"))
    said = mistake(*own(data))
    assert "images/0.png (an image without a mask, and so in" in said
    assert "call each mask like its image" in said
    assert "loading PyTorch" not in said, "it is found out at once"


def test_an_image_and_its_mask_differ_in_size(mistake: Mistake, data: Path) -> None:
    write(data / "masks" / "3.png", np.zeros((20, 40), np.uint8))
    said = mistake(*own(data))
    assert "40×40 against 40×20" in said
    assert "masks/3.png" in said


@pytest.mark.parametrize("kind", ["images", "masks"])
@pytest.mark.parametrize("damage", ["no image", "cut off", "empty"])
def test_a_file_that_cannot_be_read(mistake: Mistake, data: Path, kind: str, damage: str) -> None:
    path = data / kind / "3.png"
    whole = path.read_bytes()
    spoilt = {"no image": b"hello", "cut off": whole[: len(whole) // 2], "empty": b""}
    path.write_bytes(spoilt[damage])
    said = mistake(*own(data))
    assert "1 of 8 records cannot be used" in said
    assert f"{kind}/3.png" in said


def test_bad_records_are_left_out_and_counted_on_request(
    command: Callable[..., tuple[int, str]], data: Path, tmp_path: Path
) -> None:
    (data / "masks" / "3.png").unlink()
    (data / "images" / "5.png").write_bytes(b"")
    code, said = command(*own(data, "dataset.on_bad_record=skip"))
    assert code == 0, said
    assert "2 records were left out" in said
    assert "images/3.png" in said
    assert "images/5.png" in said
    summary = next((tmp_path / "work" / "outputs").rglob("summary.json"))
    facts = json.loads(summary.read_text("utf-8"))["data"]
    assert facts["skipped"] == 2
    assert sum(facts["records"].values()) == 6


def test_nothing_good_is_left_after_skipping(mistake: Mistake, data: Path) -> None:
    for path in (data / "images").iterdir():
        path.write_bytes(b"")
    mistake(*own(data, "dataset.on_bad_record=skip"))


@pytest.mark.parametrize(
    "setting", [[], ["dataset.mask_values={0: 0, 255: 1}"]], ids=["automatic", "mapped"]
)
def test_a_mask_value_that_is_not_in_the_map(
    mistake: Mistake, data: Path, setting: list[str]
) -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[3, 3] = 77
    write(data / "masks" / "3.png", mask)
    said = mistake(*own(data, *setting))
    assert "77" in said
    assert "masks/3.png" in said


def test_fewer_groups_than_the_split_needs(mistake: Mistake, data: Path) -> None:
    for number in range(2, 8):
        (data / "images" / f"{number}.png").unlink()
        (data / "masks" / f"{number}.png").unlink()
    said = mistake(*own(data))
    assert "2 groups cannot be divided into 3 parts" in said
    assert "dataset.split" in said


def test_an_image_smaller_than_the_crop(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, "dataset.size=null", "dataset.crop=64"))
    assert "40×40 pixels is smaller than the crop of 64×64" in said
    assert "dataset.crop" in said.partition("fix:")[2]


def test_pixels_that_are_not_numbers(mistake: Mistake, data: Path) -> None:
    (data / "images" / "3.png").unlink()
    pixels = np.ones((40, 40), np.float32)
    pixels[2, 2] = np.nan
    tifffile.imwrite(data / "images" / "3.tif", pixels)
    said = mistake(*own(data))
    assert "images/3.tif" in said
    assert re.search("nan|finite|not a number", said, re.IGNORECASE)


def test_a_cache_that_cannot_be_written(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, f"dataset.cache_dir={data / 'images' / '0.png'}"))
    assert "dataset.cache_dir" in said


def test_panels_of_records_that_are_not_there(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, "dataset.panel_ids=[nobody]"))
    assert "nobody" in said
    assert "dataset.panel_ids" in said


def test_a_split_file_that_is_missing(mistake: Mistake, data: Path) -> None:
    said = mistake(*own(data, "dataset.split.file=nowhere.csv"))
    assert "nowhere.csv" in said


def test_a_threshold_under_which_masks_are_empty(
    mistake: Mistake, command: Callable[..., tuple[int, str]], data: Path
) -> None:
    labels = np.zeros((40, 40), np.uint8)
    for number in range(1, 30):
        labels[number : number + 2, 5:35] = number
    for path in (data / "masks").iterdir():
        write(path, labels)
    said = mistake(*own(data, "dataset.mask_threshold=127"))
    assert "leaves 8 of 8 masks empty" in said
    assert "dataset.mask_threshold=0" in said.partition("fix:")[2]
    code, said = command(*own(data, "dataset.mask_threshold=20"))
    assert code == 0, said
    assert "warning: dataset.mask_threshold=20: it takes" in said
    assert "of the marked pixels for background" in said


@pytest.mark.slow
def test_sides_that_the_augmentation_swaps(
    command: Callable[..., tuple[int, str]], data: Path
) -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 5:15], mask[10:30, 25:35] = 1, 2
    for path in (data / "masks").iterdir():
        write(path, mask)
    given = own(data, "dataset.classes=[background,right lung,left lung]")
    code, said = command(*given)
    assert code == 0, said
    assert "right lung, left lung differ by their side" in said
    assert "augment=upright" in said
    code, said = command(*given, "augment=upright")
    assert code == 0, said
    assert "differ by their side" not in said
