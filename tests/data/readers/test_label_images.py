"""Label images in a folder: one mask an image, in which each value is an object."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from tests.data.advice_cases import LIGHT
from tests.data.mask_files import png, reader_of, tif, typed
from tests.data.readers.labels import (
    SIDE,
    TWO,
    Ints,
    asked,
    label_set,
    labels_of,
    samples,
    squares,
)

Make = Callable[[Path], Reader]


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


def test_one_file_among_many_that_holds_no_labels_is_named(tmp_path: Path) -> None:
    masks = {f"{k}.tif": tif(squares().astype(np.uint16)) for k in range(3)}
    masks["3.tif"] = tif(np.where(squares() > 0, 2**31, 0).astype(np.uint32))
    reader = asked(label_set(tmp_path, masks))
    with pytest.raises(SegkitError, match="holds 2147483648") as caught:
        reader.read(reader.listing().records[-1])
    assert caught.value.where.endswith("3.tif")


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
