"""COCO JSON, as COCO itself, Roboflow and CVAT lay it out."""

import json
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from tests.data.readers.coco_files import DISC, SQUARE, coco_set, listed, plain, runs
from tests.data.readers.labels import SIDE, TWO, asked, labels_of, picture, samples

Make = Callable[[Path], Reader]


def test_contract(contract: Callable[[Path, Make], None], tmp_path: Path) -> None:
    content = listed({"a.png": [SQUARE, runs(DISC)], "b.png": [], "c.png": [SQUARE]})
    images = [f"images/{name}.png" for name in "abc"]
    contract(coco_set(tmp_path / "set", {"annotations.json": content}, images), asked)


@pytest.mark.parametrize("more", [{}, {"manifest": "annotations.json"}])
def test_a_json_is_parsed_once(
    more: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a large data set takes minutes."""
    parsed: list[bytes] = []
    loads = json.loads

    def counted(data: bytes) -> Any:
        parsed.append(data)
        return loads(data)

    content = listed({"a.png": [SQUARE]})
    root = coco_set(tmp_path, {"annotations.json": content, "other.json": {}}, ["images/a.png"])
    monkeypatch.setattr(json, "loads", counted)
    assert [record.id for record in asked(root, **more).listing().records] == ["a"]
    assert len(parsed) == len({*parsed})


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_and_accents_of_a_mac(tmp_path: Path, form: Any) -> None:
    name = unicodedata.normalize(form, "ä.png")
    other = unicodedata.normalize("NFD" if form == "NFC" else "NFC", name)
    root = coco_set(tmp_path, {"a.json": listed({other: [SQUARE]})}, [f"images/{name}"])
    (record,) = asked(root).listing().records
    assert record.image == f"images/{name}"


def test_polygons_and_both_kinds_of_runs_with_holes(tmp_path: Path) -> None:
    ring = DISC.copy()
    ring[20:28, 20:28] = False
    content = listed(
        {"a.png": [SQUARE], "b.png": [runs(ring)], "c.png": [plain(ring)], "d.png": []}
    )
    images = [f"images/{name}.png" for name in "abcd"]
    reader = asked(coco_set(tmp_path, {"annotations.json": content}, images))
    found = {key: labels_of(sample) for key, sample in samples(reader).items()}
    square = np.zeros((SIDE, SIDE), np.int32)
    square[3:9, 2:12] = 1
    for key, expected in {"a": square, "b": ring, "c": ring, "d": square * 0}.items():
        np.testing.assert_array_equal(found[key], expected)
    assert reader.cautions() == []
    assert reader.passed_over() == ""


def test_a_task_of_classes_has_the_foreground(tmp_path: Path) -> None:
    content = listed({"a.png": [SQUARE, runs(DISC)]})
    reader = Folder(coco_set(tmp_path, {"x.json": content}, ["images/a.png"]), classes=TWO)
    (sample,) = samples(reader).values()
    assert sample.mask is not None
    assert sample.mask.sum() == (DISC.sum() + 60 - DISC[3:9, 2:12].sum())


@pytest.mark.parametrize(
    ("file", "stated", "image"),
    [
        ("annotations.json", "a.png", "images/a.png"),
        ("annotations.json", "images/a.png", "images/a.png"),
        ("annotations.json", "images\\a.png", "images/a.png"),
        ("annotations.json", "a.png", "a.png"),
        ("train/_annotations.coco.json", "a.png", "train/a.png"),
        ("annotations/instances_default.json", "a.png", "images/a.png"),
        ("annotations/instances_train2017.json", "a.png", "train2017/a.png"),
        ("annotations/instances_train2017.json", "a.png", "images/train2017/a.png"),
        ("project/result.json", "images/1/a.png", "project/images/1/a.png"),
        ("result.json", "../../data/up/a.png", "images/up/a.png"),
    ],
)
def test_where_images_lie(tmp_path: Path, file: str, stated: str, image: str) -> None:
    root = coco_set(tmp_path, {file: listed({stated: [SQUARE]})}, [image])
    if stated.startswith(".."):
        (problem,) = asked(root).listing().problems  # no path of the data set ends so
        assert problem.what == "a file that is not there"
        return
    (record,) = asked(root).listing().records
    assert record.image == image
    assert record.split == ("train" if "train" in file else "")


def test_a_split_a_file(tmp_path: Path) -> None:
    """Roboflow's layout, in which two splits have images of one name."""
    splits = ("train", "valid", "test")
    files = {
        f"{s}/_annotations.coco.json": listed({"a.png": [SQUARE] * (k + 1)})
        for k, s in enumerate(splits)
    }
    root = coco_set(tmp_path, files, [f"{split}/a.png" for split in splits])
    found = asked(root).listing()
    assert found.problems == []
    assert [(r.id, r.split) for r in found.records] == [
        ("test/a", "test"),
        ("train/a", "train"),
        ("valid/a", "val"),
    ]


def test_images_that_are_missing_and_listed_twice(tmp_path: Path) -> None:
    content = listed({"a.png": [SQUARE], "gone.png": [SQUARE]})
    files = {"one.json": content, "two.json": listed({"a.png": []})}
    found = asked(coco_set(tmp_path, files, ["images/a.png"])).listing()
    assert [record.id for record in found.records] == ["a"]
    assert [(p.where, p.what) for p in found.problems] == [
        ("one.json: gone.png", "a file that is not there"),
        ("two.json: a.png", "an image that is listed twice"),
    ]


def test_annotations_of_images_that_are_not_listed(tmp_path: Path) -> None:
    content = listed({"a.png": [SQUARE], "b.png": [SQUARE, SQUARE]})
    content["images"].pop()
    found = asked(coco_set(tmp_path, {"x.json": content}, ["images/a.png", "images/b.png"]))
    (problem,) = found.listing().problems
    assert (problem.where, problem.what) == (
        "x.json",
        "2 annotations of images that are not listed",
    )


def test_ids_as_text_and_none_at_all(tmp_path: Path) -> None:
    content = listed({"a.png": [SQUARE]})
    content["images"][0]["id"] = "7"
    content["annotations"][0] |= {"category_id": None, "id": [1]}
    (sample,) = samples(asked(coco_set(tmp_path, {"x.json": content}, ["images/a.png"]))).values()
    assert labels_of(sample).sum() == 60


def test_two_files_that_may_be_meant(tmp_path: Path) -> None:
    root = coco_set(tmp_path, {"x.json": listed({"a.png": [SQUARE]})}, ["p/a.png", "q/a.png"])
    assert [p.where for p in asked(root).listing().problems] == ["x.json: a.png"]


def test_other_json_is_passed_over_and_masks_go_first(tmp_path: Path) -> None:
    captions = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"caption": "a"}]}
    files: dict[str, Any] = {"captions.json": captions, "list.json": {"features": []}}
    root = coco_set(tmp_path, files, ["images/a.png"])
    (record,) = Folder(root, classes=TWO).listing().records
    assert not record.labelled
    coco_set(tmp_path, {"good.json": listed({"a.png": [SQUARE]})}, ["masks/a.png"])
    (record,) = Folder(root, classes=TWO).listing().records
    assert record.masks == ("masks/a.png",)
    (record,) = Folder(root, classes=TWO, manifest="good.json").listing().records
    assert record.masks == ("good.json",)


@pytest.mark.parametrize("content", ["[]", '{"images": 1, "annotations": []}', '{"images": []}'])
def test_a_named_json_that_is_none(tmp_path: Path, content: str) -> None:
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(SegkitError, match="no COCO JSON of objects") as caught:
        asked(tmp_path, manifest="x.json").listing()
    assert caught.value.where == str(tmp_path / "x.json")


@pytest.mark.parametrize("named", [None, "x.json"])
def test_a_broken_json_is_no_reason_to_go_without_truth(tmp_path: Path, named: str | None) -> None:
    root = coco_set(tmp_path, {"y.json": listed({"a.png": [SQUARE]})}, ["images/a.png"])
    (root / "x.json").write_text(json.dumps(listed({"b.png": [SQUARE]}))[:-30])
    with pytest.raises(SegkitError, match="JSON that cannot be read") as caught:
        asked(root, manifest=named).listing()
    assert caught.value.where == str(root / "x.json")


def test_a_named_json_that_is_not_there(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    with pytest.raises(SegkitError, match="not there") as caught:
        asked(tmp_path, manifest="x.json").listing()
    assert caught.value.where == "dataset.manifest=x.json"


@pytest.mark.parametrize(
    ("outline", "said"),
    [
        ({"id": 1, "bbox": [1, 2, 3, 4], "segmentation": []}, "without an outline"),
        ({"id": 1, "segmentation": SQUARE, "iscrowd": 1}, "iscrowd"),
        ({"size": [9, 9], "counts": [81]}, r"size \[9, 9\]"),
        ([[1, 2, 3]], "3 numbers"),
    ],
)
def test_annotations_that_are_no_object(tmp_path: Path, outline: Any, said: str) -> None:
    content = listed({"a.png": [SQUARE, outline]})
    reader = asked(coco_set(tmp_path, {"x.json": content}, ["images/a.png"]))
    with pytest.raises(SegkitError, match=said) as caught:
        samples(reader)
    assert caught.value.where == "images/a.png"


def test_an_image_of_another_size(tmp_path: Path) -> None:
    content = listed({"a.png": [SQUARE]})
    content["images"][0]["width"] = 99
    reader = asked(coco_set(tmp_path, {"x.json": content}, ["images/a.png"]))
    with pytest.raises(SegkitError, match="48×48 pixels that its JSON gives as 99×48"):
        samples(reader)


def test_categories_are_classes_by_name(tmp_path: Path) -> None:
    other = {"id": 5, "segmentation": runs(DISC), "category_id": 2}
    root = coco_set(tmp_path, {"x.json": listed({"a.png": [SQUARE, other]})}, ["images/a.png"])
    make = partial(Folder, root)
    (sample,) = samples(make(classes=("background", "debris", "cell"))).values()
    assert sample.mask is not None
    assert (sample.mask[DISC] == 1).all()
    assert sample.mask[4, 3] == 2
    (sample,) = samples(make(classes=TWO)).values()
    assert sample.mask is not None
    assert sample.mask.max() == 1
    with pytest.raises(SegkitError, match="'debris' is none of the classes"):
        samples(make(classes=("background", "cell", "dirt")))


def test_the_later_annotation_wins_and_is_told(tmp_path: Path) -> None:
    content = listed({"a.png": [runs(DISC), [[20, 20, 28, 20, 28, 28, 20, 28]]]})
    root = coco_set(tmp_path, {"x.json": content}, ["images/a.png"])
    reader = asked(root)
    (sample,) = samples(reader).values()
    assert (labels_of(sample)[20:28, 20:28] == 2).all()
    (caution,) = reader.cautions()
    assert "objects overlap" in caution.what
