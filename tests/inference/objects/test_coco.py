"""COCO JSON read back with pycocotools."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO

from segkit.inference.objects.coco import annotations, run_lengths, write_coco
from tests.inference.objects.phantoms import PHANTOMS, Labels, disconnected, holes, nothing

# pycocotools' own, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("phantom", PHANTOMS)
def test_labels_to_coco_to_labels(phantom: Callable[[], Labels], tmp_path: Path) -> None:
    labels = phantom()
    write_coco(
        tmp_path / "a.json", [("a b.png", labels.shape, annotations(labels))], category="nucleus"
    )
    coco = COCO(str(tmp_path / "a.json"))
    again = np.zeros_like(labels)
    assert coco.imgs == {
        1: {"id": 1, "file_name": "a b.png", "height": labels.shape[0], "width": labels.shape[1]}
    }
    for one in coco.loadAnns(coco.getAnnIds(imgIds=[1], catIds=[1])):
        mask = coco.annToMask(one).astype(bool)
        assert not again[mask].any()
        again[mask] = one["label"]
        packed = coco.annToRLE(one)
        assert one["area"] == mask_utils.area(packed)
        assert one["bbox"] == mask_utils.toBbox(packed).tolist()
    np.testing.assert_array_equal(again, labels)


def test_several_images_are_numbered_through(tmp_path: Path) -> None:
    given = [("a.png", holes()), ("b.png", nothing()), ("ä.png", disconnected())]
    images = [(name, labels.shape, annotations(labels)) for name, labels in given]
    write_coco(tmp_path / "a.json", images, category="Zelle")
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in content["images"]] == ["a.png", "b.png", "ä.png"]
    assert [(a["id"], a["image_id"]) for a in content["annotations"]] == [
        (1, 1),
        (2, 1),
        (3, 3),
        (4, 3),
    ]
    assert content["categories"] == [{"id": 1, "name": "Zelle"}]
    assert {a["iscrowd"] for a in content["annotations"]} == {0}


def test_no_images(tmp_path: Path) -> None:
    write_coco(tmp_path / "a.json", [], category="nucleus")
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert content == {
        "info": {"description": "segkit"},
        "annotations": [],
        "images": [],
        "categories": [{"id": 1, "name": "nucleus"}],
    }


def test_a_run_goes_on_in_the_next_column() -> None:
    """By hand: columns 1 and 2 of 3 rows are full, so that their six pixels are one run."""
    assert run_lengths(np.ones((3, 2), bool), 0, 1, (3, 4)) == [3, 6, 3]
    assert run_lengths(np.ones((3, 4), bool), 0, 0, (3, 4)) == [0, 12]
    assert run_lengths(np.array([[1, 0], [0, 1]], bool), 1, 0, (3, 2)) == [1, 1, 3, 1]


def test_run_lengths_are_those_of_pycocotools() -> None:
    random = np.random.default_rng(4)
    for share in (0.1, 0.5, 0.9):
        for _ in range(100):
            height, width = random.integers(3, 9, 2).tolist()
            image = np.zeros((height, width), bool)
            top, left = random.integers(0, 2, 2)
            image[top:, left:] = random.random(image[top:, left:].shape) < share
            image[top, left] = True
            counts = run_lengths(image[top:, left:], int(top), int(left), (height, width))
            plain = {"size": list(image.shape), "counts": counts}
            ours = mask_utils.frPyObjects(plain, *image.shape)
            theirs = mask_utils.encode(np.asfortranarray(image, np.uint8))
            assert ours["counts"] == theirs["counts"]


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_coco(path, [("a.png", (24, 31), annotations(holes()))], category="nucleus")
    before = path.read_bytes()

    def torn() -> list[tuple[str, Labels]]:
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        write_coco(path, (torn() for _ in range(1)), category="nucleus")  # type: ignore[misc]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
