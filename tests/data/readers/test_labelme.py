"""LabelMe JSON: one file an image."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from tests.data.readers.labels import SIDE, TWO, asked, labels_of, picture, samples

Make = Callable[[Path], Reader]
SQUARE = [[2, 3], [12, 3], [12, 9], [2, 9]]


def shape(points: Sequence[Any], kind: str = "polygon", label: str = "cell", **more: Any) -> Any:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, **more}


def labelme(root: Path, name: str, shapes: Sequence[Any], **more: Any) -> Path:
    """An image, and the JSON beside it."""
    picture(root / f"{name}.png")
    content = {
        "version": "5.4.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{Path(name).name}.png",
        "imageData": "iVBORw0KGgo" * 20,
        "imageHeight": SIDE,
        "imageWidth": SIDE,
    }
    (root / f"{name}.json").write_text(json.dumps(content | more))
    return root


def square() -> NDArray[np.int32]:
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[3:9, 2:12] = 1
    return labels


def test_contract(contract: Callable[[Path, Make], None], tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name, shapes in {"a": [shape(SQUARE)], "b": [], "c": [shape(SQUARE)] * 2}.items():
        content = [*shapes, shape([[20, 20], [24, 20]], "circle")]
        labelme(root, name, content)
        file = root / f"{name}.json"  # a promise changes a digit behind this word
        file.write_text(file.read_text().replace('"flags"', '"segmentation": 1, "flags"'))
    contract(root, asked)


def test_polygons_rectangles_and_circles(tmp_path: Path) -> None:
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    disc = np.hypot(x - 30, y - 28) < 10
    shapes = [
        shape(SQUARE),
        shape([[40, 2], [30, 8]], "rectangle"),
        shape([[30, 28], [30, 38]], "circle"),
    ]
    reader = asked(labelme(tmp_path, "a", shapes))
    (found,) = samples(reader).values()
    labels = labels_of(found)
    expected = square()
    expected[2:8, 30:40] = 2
    expected[disc] = 3
    np.testing.assert_array_equal(labels, expected)
    assert reader.passed_over() == ""


def test_classes_by_their_labels(tmp_path: Path) -> None:
    shapes = [shape(SQUARE, label="tumour"), shape([[0, 20], [9, 29]], "rectangle", "organ")]
    root = labelme(tmp_path, "a", shapes)
    (found,) = samples(Folder(root, classes=["background", "organ", "tumour"])).values()
    expected = square() * 2
    expected[20:29, :9] = 1
    np.testing.assert_array_equal(found.mask, expected)
    (found,) = samples(Folder(root, classes=TWO)).values()
    np.testing.assert_array_equal(found.mask, expected > 0)
    with pytest.raises(SegkitError, match="'tumour' is none of the classes") as caught:
        samples(Folder(root, classes=["background", "organ", "x"]))
    assert "dataset.classes=[background,object]" in caught.value.remedy


def test_shapes_of_a_group_are_one_object(tmp_path: Path) -> None:
    shapes = [
        shape(SQUARE, group_id=3),
        shape([[30, 30], [40, 40]], "rectangle"),
        shape([[20, 3], [24, 9]], "rectangle", group_id=3),
    ]
    (found,) = samples(asked(labelme(tmp_path, "a", shapes))).values()
    expected = square()
    expected[3:9, 20:24] = 1
    expected[30:40, 30:40] = 2
    np.testing.assert_array_equal(labels_of(found), expected)


@pytest.mark.parametrize(
    ("file", "stated"),
    [
        ("json/a.json", "..\\images\\a.png"),
        ("json/a.json", "../images/a.png"),
        ("images/a.json", "/home/me/renamed.png"),
        ("annotations/a.json", ""),
        ("anywhere/b.json", "a.png"),
    ],
)
def test_where_the_image_lies(tmp_path: Path, file: str, stated: str) -> None:
    labelme(tmp_path, "images/a", [shape(SQUARE)], imagePath=stated)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / "images" / "a.json").rename(tmp_path / file)
    reader = Folder(tmp_path, classes=TWO)
    assert reader.listing().problems == []
    assert [record.id for record in reader.listing().records] == ["a"]
    np.testing.assert_array_equal(next(iter(samples(reader).values())).mask, square())


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (shape([[1, 1]], "point"), "the type 'point'"),
        (shape([[1, 1], [9, 9]], "line"), "the type 'line'"),
        (shape([[1, 1], [9, 9]]), "a polygon of 4 numbers"),
        (shape([[1, 1], ["x", 9]]), "without a list of points"),
        (shape([[1, 1], [float("nan"), 9], [3, 3]]), "without a list of points"),
        (shape([[1, 1], [1e300, 9]], "circle"), "polygon"),
    ],
)
def test_what_cannot_be_drawn_leaves_one_image_out(tmp_path: Path, bad: Any, what: str) -> None:
    labelme(tmp_path, "a", [shape(SQUARE), bad])
    reader = Folder(labelme(tmp_path, "b", [shape(SQUARE)]), classes=TWO)
    one, other = reader.listing().records
    with pytest.raises(SegkitError, match=what) as caught:
        reader.read(one)
    assert caught.value.where == "a.png"
    reader.read(other)


def test_a_json_that_is_broken_leaves_one_image_out(tmp_path: Path) -> None:
    labelme(labelme(tmp_path, "a", []), "b", [shape(SQUARE)])
    (tmp_path / "a.json").write_text('{"shapes": [')
    (tmp_path / "gone.json").write_text(json.dumps({"shapes": [], "imagePath": "gone.png"}))
    found = Folder(tmp_path, classes=TWO).listing()
    assert [record.id for record in found.records] == ["b"]
    assert {Path(p.where).name: p.what.split(":")[0] for p in found.problems} == {
        "a.json": "JSON that cannot be read",
        "gone.json": "an image that is not there",
    }


def test_another_size_is_told(tmp_path: Path) -> None:
    root = labelme(tmp_path, "a", [shape(SQUARE)], imageWidth=99)
    with pytest.raises(SegkitError, match="48×48 pixels that its JSON gives as 99×48"):
        samples(Folder(root, classes=TWO))


def test_masks_go_first(tmp_path: Path) -> None:
    labelme(tmp_path, "images/a", [shape(SQUARE)])
    picture(tmp_path / "masks" / "a.png")
    make = partial(Folder, classes=TWO)
    assert make(tmp_path).listing().records[0].masks == ("masks/a.png",)


def test_a_split_is_a_folder_and_never_the_name_of_an_image(tmp_path: Path) -> None:
    splits = {"test/a": "test", "Valid/day1/b": "val", "test_scans/c": "", "val_1": "", "d": ""}
    for name in splits:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        labelme(tmp_path, name, [shape(SQUARE)])
    found = Folder(tmp_path, classes=TWO).listing().records
    assert {record.id: record.split for record in found} == splits
