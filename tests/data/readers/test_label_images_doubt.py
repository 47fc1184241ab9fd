"""Label images that may be classes, or hold no objects: what is said of them, and the ways out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.readers.folder import Folder
from tests.data.mask_files import jpeg, png, rainbow, soft, tif, typed
from tests.data.readers.labels import SIDE, TWO, asked, label_set, labels_of, samples, squares

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
