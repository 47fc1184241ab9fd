"""Label images in a folder: one mask an image, in which each value is an object."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from tests.data.advice_cases import LIGHT
from tests.data.mask_files import jpeg, png, rainbow, reader_of, soft, tif, typed
from tests.data.readers.labels import SIDE, TWO, Ints, asked, labels_of, picture, samples, squares

Make = Callable[[Path], Reader]


def label_set(root: Path, masks: dict[str, bytes]) -> Path:
    for name, data in masks.items():
        picture(root / "images" / f"{Path(name).stem}.png")
        (root / "masks").mkdir(exist_ok=True)
        (root / "masks" / name).write_bytes(data)
    return root


def test_contract(contract: Callable[[Path, Make], None], tmp_path: Path) -> None:
    masks = {f"{name}.tif": tif(squares(30 + n).astype(np.uint16)) for n, name in enumerate("abc")}
    contract(label_set(tmp_path / "set", masks), asked)


@pytest.mark.parametrize(
    ("suffix", "stored"),
    [
        (".png", squares().astype(np.uint8)),
        (".png", squares(64).astype(np.uint16)),
        (".png", squares(64, 1000, 977).astype(np.uint16)),
        (".tif", squares(64, 5, 1000).astype(np.uint16)),
        (".tif", squares(64, 70_000, 13).astype(np.uint32)),
        (".tif", squares(64, 70_000, 13).astype(np.int32)),
        (".tif", squares(30, 2**31 - 30).astype(np.uint32)),
        (".tif", squares(30, 2**24 - 30).astype(np.float32)),
        (".tif", squares().astype(np.float64)),
    ],
)
def test_every_depth_is_exact(tmp_path: Path, suffix: str, stored: Ints) -> None:
    data = tif(stored) if suffix == ".tif" else png(stored)
    reader = asked(label_set(tmp_path, {f"a{suffix}": data}))
    np.testing.assert_array_equal(labels_of(samples(reader)["a"]), stored)
    assert reader.cautions() == []


def test_stardist_s_layout(tmp_path: Path) -> None:
    """``train|test/{images,masks}/<id>.tif``."""
    for split in ("train", "test"):
        for name in ("0a", "0b"):
            (tmp_path / split / "images").mkdir(parents=True, exist_ok=True)
            (tmp_path / split / "masks").mkdir(exist_ok=True)
            tifffile.imwrite(
                tmp_path / split / "images" / f"{name}.tif", np.ones((SIDE, SIDE), np.uint8)
            )
            tifffile.imwrite(
                tmp_path / split / "masks" / f"{name}.tif", squares(40).astype(np.uint16)
            )
    reader = asked(tmp_path)
    assert {r.id: r.split for r in reader.listing().records} == {
        "train/0a": "train",
        "train/0b": "train",
        "test/0a": "test",
        "test/0b": "test",
    }
    for sample in samples(reader).values():
        np.testing.assert_array_equal(labels_of(sample), squares(40))


def test_an_image_without_objects_and_objects_in_pieces(tmp_path: Path) -> None:
    pieces = squares()
    pieces[40, 40] = 7  # one object more in two pieces
    masks = {
        "a.png": png(squares().astype(np.uint8)),
        "b.png": png(np.zeros((SIDE, SIDE), np.uint8)),
        "c.png": png(pieces.astype(np.uint8)),
    }
    found = samples(asked(label_set(tmp_path, masks)))
    assert not labels_of(found["b"]).any()
    np.testing.assert_array_equal(labels_of(found["c"]), pieces)


def test_a_palette_counts_by_its_indices(tmp_path: Path) -> None:
    data = png(squares().astype(np.uint8), LIGHT)
    found = samples(asked(label_set(tmp_path, {"a.png": data})))
    np.testing.assert_array_equal(labels_of(found["a"]), squares())


def test_the_same_set_under_a_task_of_classes(tmp_path: Path) -> None:
    """What the message says to type gives the foreground, all of it."""
    root = label_set(tmp_path, {"a.tif": tif(squares(64).astype(np.uint16))})
    reader = Folder(root, classes=TWO)
    with pytest.raises(SegkitError) as caught:
        reader.read(reader.listing().records[0])
    ((way,),) = typed(caught.value.remedy)
    assert way == "dataset.mask_threshold=0"
    (sample,) = samples(Folder(root, classes=TWO, mask_threshold=0)).values()
    assert sample.mask is not None
    np.testing.assert_array_equal(sample.mask, squares(64) > 0)
    assert sample.instances is None
    (sample,) = samples(Folder(root, classes=TWO, labels="objects")).values()
    np.testing.assert_array_equal(labels_of(sample), squares(64))


# Small objects with low ids, and a large one with the highest: as many values, no soft edges.
SPOTS = np.zeros((SIDE, SIDE), np.uint8)
for spot in range(60):
    SPOTS[3 * (spot // 15) : 3 * (spot // 15) + 2, 3 * (spot % 15) : 3 * (spot % 15) + 2] = spot + 1
SPOTS[20:40, 5:40] = 255


def test_ids_at_both_ends_are_no_soft_edges(tmp_path: Path) -> None:
    """They were told to set a threshold of 127, which takes sixty of sixty-one objects away."""
    root = label_set(tmp_path, {"a.png": png(SPOTS)})
    reader = Folder(root, classes=TWO)
    with pytest.raises(SegkitError) as caught:
        reader.read(reader.listing().records[0])
    assert typed(caught.value.remedy) == [["dataset.mask_threshold=0"]]
    np.testing.assert_array_equal(labels_of(samples(asked(root))["a"]), SPOTS)


@pytest.mark.parametrize(
    ("mask", "said", "told"),
    [
        (squares(1).astype(np.uint8), "a class, and no objects", "dataset.labels=components"),
        (((squares() > 0) * 255).astype(np.uint8), "a class, and no objects", "task=semantic"),
        ((squares() > 0), "a class, and no objects", "dataset.labels=objects"),
        (squares() % 3, "which may be objects or classes", "dataset.labels=objects"),
        (squares(5), "which may be objects or classes", "dataset.labels=objects"),
        # Twenty classes, each in many pieces.
        (
            np.kron(np.arange(576).reshape(24, 24) * 7 % 21, np.ones((2, 2), int)),
            "may be",
            "classes",
        ),
        (squares() + 1, "nowhere 0", "write 0 where"),
        (soft(), "not whole numbers", "write the number"),
        (soft().round(), "which may be objects or classes", "task=semantic"),
        (squares(30, -3), "labels count from 1", "write 0"),
        (np.zeros((SIDE, SIDE)), "all masks are empty", "dataset.root"),
    ],
)
def test_what_is_in_doubt_is_refused_before_a_record_is_read(
    tmp_path: Path, mask: Any, said: str, told: str
) -> None:
    dtype = np.float32 if mask.dtype.kind == "f" else np.int16
    stored = mask.astype(np.uint8) * 255 if mask.dtype == np.bool_ else mask.astype(dtype)
    root = label_set(tmp_path, {"a.tif": tif(stored)})
    with pytest.raises(SegkitError, match=said) as caught:
        asked(root).listing()
    assert told in caught.value.remedy + caught.value.what
    assert caught.value.where == f"dataset.root={root}"


def test_the_ways_out_of_doubt(tmp_path: Path) -> None:
    root = label_set(tmp_path, {"a.png": png(squares(5).astype(np.uint8))})
    found = samples(asked(root, labels="objects"))
    np.testing.assert_array_equal(labels_of(found["a"]), squares(5))
    binary = ((squares(17) > 0) * 255).astype(np.uint8)
    root = label_set(tmp_path / "binary", {"a.png": png(binary)})
    found = samples(asked(root, labels="components"))
    assert np.unique(labels_of(found["a"])).tolist() == [0, 1, 2, 3]  # those of a row touch
    root = label_set(tmp_path / "lossy", {"a.jpg": jpeg(binary)})
    with pytest.raises(SegkitError, match="JPEG") as caught:
        asked(root).listing()
    assert "dataset.labels=components" in caught.value.remedy
    assert "dataset.mask_threshold=127" in caught.value.remedy
    found = samples(asked(root, labels="components", mask_threshold=127))
    assert labels_of(found["a"]).max() == 3


def test_colours_are_refused(tmp_path: Path) -> None:
    root = label_set(tmp_path, {"a.png": png(rainbow(squares().astype(np.uint16)))})
    with pytest.raises(SegkitError, match="colours"):
        asked(root).listing()
    reader = asked(root, labels="objects")
    with pytest.raises(SegkitError, match="colours") as caught:
        reader.read(reader.listing().records[0])
    assert "16 or 32 bits" in caught.value.remedy


def test_one_file_among_many_that_holds_no_labels_is_named(tmp_path: Path) -> None:
    masks = {f"{k}.tif": tif(squares().astype(np.uint16)) for k in range(3)}
    masks["3.tif"] = tif(np.where(squares() > 0, 2**31, 0).astype(np.uint32))
    reader = asked(label_set(tmp_path, masks))
    with pytest.raises(SegkitError, match="holds 2147483648") as caught:
        reader.read(reader.listing().records[-1])
    assert caught.value.where.endswith("3.tif")


@pytest.mark.parametrize("setting", [{"mask_threshold": 1}, {"mask_values": {0: 0, 1: 1}}])
def test_settings_of_classes_are_refused_with_objects(
    tmp_path: Path, setting: dict[str, Any]
) -> None:
    root = label_set(tmp_path, {"a.png": png(squares().astype(np.uint8))})
    (key,) = setting
    for reader in (asked(root, **setting), Folder(root, classes=TWO, labels="objects", **setting)):
        with pytest.raises(SegkitError) as caught:
            reader.listing()
        assert caught.value.where == f"dataset.{key}"
        assert f"dataset.{key}=null" in caught.value.remedy


def test_a_threshold_below_every_id_takes_no_object_away(tmp_path: Path) -> None:
    """That of a semantic run, which evaluate score_as=instance opens as it was trained."""
    root = label_set(tmp_path, {"a.tif": tif(squares(64).astype(np.uint16))})
    for reader in (
        asked(root, mask_threshold=0),
        Folder(root, classes=TWO, labels="objects", mask_threshold=0),
    ):
        np.testing.assert_array_equal(labels_of(samples(reader)["a"]), squares(64))


def test_settings_that_cannot_be_of_objects(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match="of 2 classes"):
        asked(tmp_path, classes=("background", "a", "b"))
    with pytest.raises(SegkitError, match="of 2 classes"):
        Folder(tmp_path, classes=("background", "a", "b"), labels="objects")
    with pytest.raises(SegkitError, match="where a task asks for objects") as caught:
        asked(tmp_path, labels="classes")
    assert "dataset.labels=auto" in caught.value.remedy
    with pytest.raises(SegkitError, match="nothing that masks hold") as caught:
        Folder(tmp_path, classes=TWO, labels="object")  # type: ignore[arg-type]
    assert "'objects'" in caught.value.remedy


def test_caches_of_classes_and_objects_are_two(tmp_path: Path) -> None:
    plain = Folder(tmp_path, classes=TWO).parameters()
    assert "labels" not in plain  # caches of earlier versions stay
    assert asked(tmp_path).parameters() != plain
    assert asked(tmp_path).parameters() == asked(tmp_path, labels="objects").parameters()
    assert asked(tmp_path, labels="components").parameters() != asked(tmp_path).parameters()


def test_the_configuration_hands_the_key_over(tmp_path: Path) -> None:
    root = label_set(tmp_path, {"a.png": png(squares(5).astype(np.uint8))})
    (sample,) = samples(reader_of(root, "dataset.labels=objects")).values()
    np.testing.assert_array_equal(labels_of(sample), squares(5))


def test_labels_of_another_size_than_the_image_and_turned_ones(tmp_path: Path) -> None:
    root = label_set(tmp_path, {"a.tif": tif(squares()[:40].astype(np.uint16))})
    (sample,) = samples(asked(root)).values()
    assert sample.mask is not None
    assert sample.mask.shape == (40, SIDE)  # left to the common check
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(squares().astype(np.uint8)).save(root / "masks" / "a.png", exif=exif)
    (root / "masks" / "a.tif").unlink()
    with pytest.raises(SegkitError, match="EXIF orientation 3"):
        samples(asked(root))


def test_several_masks_of_one_image_in_a_table(tmp_path: Path) -> None:
    masks = {f"{k}.png": png(((squares(2) == k) * 255).astype(np.uint8)) for k in (1, 2)}
    root = label_set(tmp_path, masks)
    (root / "list.csv").write_text("image,mask\nimages/1.png,masks/1.png;masks/2.png\n")
    make = partial(asked, root, manifest="list.csv")
    with pytest.raises(SegkitError, match="several masks of one image") as caught:
        make().listing()
    assert "dataset.labels=objects" in caught.value.remedy
    (sample,) = samples(make(labels="objects")).values()
    np.testing.assert_array_equal(labels_of(sample), squares(2))
    (sample,) = samples(Folder(root, classes=TWO, manifest="list.csv")).values()
    assert sample.instances is None
