"""Folders of masks, one a picture, in which each file is one object."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from tests.data.mask_files import jpeg, png, soft, typed
from tests.data.readers.labels import SIDE, TWO, Ints, asked, labels_of, picture, samples, squares

Masks = NDArray[np.bool_] | Ints
Make = Callable[[Path], Reader]


def object_set(root: Path, pictures: Mapping[str, Sequence[Masks]], *, below: str = "") -> Path:
    for name, objects in pictures.items():
        picture(root / "images" / below / f"{name}.png")
        folder = root / "masks" / below / name
        folder.mkdir(parents=True)
        for number, mask in enumerate(objects):
            (folder / f"{number:03}.png").write_bytes(png(((mask > 0) * 255).astype(np.uint8)))
    return root


def apart(labels: Ints) -> list[Ints]:
    return [(labels == label).astype(np.uint8) for label in range(1, int(labels.max()) + 1)]


def test_contract(contract: Callable[[Path, Make], None], tmp_path: Path) -> None:
    pictures = {"a": apart(squares(3)), "b": apart(squares(9)), "c": apart(squares(1))}
    contract(object_set(tmp_path / "set", pictures), asked)


@pytest.mark.parametrize("below", ["", "day1", "train"])
def test_each_file_is_an_object(tmp_path: Path, below: str) -> None:
    root = object_set(tmp_path, {"a": apart(squares(20)), "b": apart(squares(1))}, below=below)
    reader = asked(root)
    found = {Path(key).name: sample for key, sample in samples(reader).items()}
    np.testing.assert_array_equal(labels_of(found["a"]), squares(20))
    np.testing.assert_array_equal(labels_of(found["b"]), squares(1))
    assert reader.cautions() == []
    assert reader.passed_over() == ""


def test_a_task_of_classes_has_their_union(tmp_path: Path) -> None:
    reader = Folder(object_set(tmp_path, {"a": apart(squares(20))}), classes=TWO)
    (sample,) = samples(reader).values()
    assert sample.mask is not None
    np.testing.assert_array_equal(sample.mask, squares(20) > 0)
    assert reader.cautions() == []


def test_overlaps_are_told_where_they_are_many(tmp_path: Path) -> None:
    disc, square = soft() > 127, squares(64) == 28
    assert (disc & square).any()
    root = object_set(tmp_path, {"a": [disc, square], "b": apart(squares(9))})
    reader = asked(root)
    found = labels_of(samples(reader)["a"])
    assert (found[square] == 2).all()  # the later file
    assert (found[disc & ~square] == 1).all()
    assert reader.cautions() == asked(root).cautions()  # with pixels cached, too
    (caution,) = reader.cautions()
    assert caution.where == "images/a.png"
    share = (disc & square).sum() / ((disc | square).sum() + (squares(9) > 0).sum())
    assert f"{share:.1%} of their pixels, in 1 of 2 images" in caution.what
    assert "later by file name" in caution.what


def test_few_shared_pixels_are_not_told_but_a_covered_object_is(tmp_path: Path) -> None:
    one = np.zeros((SIDE, SIDE), np.uint8)
    one[20, 20] = 1
    root = object_set(tmp_path, {"a": [soft() > 127, one]})
    assert asked(root).cautions() == []
    root = object_set(tmp_path / "under", {"a": [one, soft() > 127]})
    (caution,) = asked(root).cautions()
    assert "1 objects of 1 images lie wholly under" in caution.what


def test_an_image_without_objects_has_a_black_mask(tmp_path: Path) -> None:
    root = object_set(tmp_path, {"a": apart(squares(3)), "b": []})
    (problem,) = asked(root).listing().problems
    assert problem.where == "images/b.png"
    assert "masks/b/none.png" in problem.remedy
    (root / "masks" / "b" / "none.png").write_bytes(png(np.zeros((SIDE, SIDE), np.uint8)))
    reader = asked(root)
    assert not labels_of(samples(reader)["b"]).any()
    assert reader.cautions() == []


def test_a_mask_beside_a_folder_is_in_doubt(tmp_path: Path) -> None:
    root = object_set(tmp_path, {"a": apart(squares(3))})
    (root / "masks" / "a.png").write_bytes(png(squares(30).astype(np.uint8)))
    problems = asked(root).listing().problems
    assert [problem.where for problem in problems] == [f"masks/a/00{k}.png" for k in range(3)]


def test_folders_of_classes_are_in_doubt(tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / "images" / f"{name}.png")
        for part in ("nucleus", "membrane"):
            (tmp_path / "masks" / name).mkdir(parents=True, exist_ok=True)
            data = png(((squares(9) > 0) * 255).astype(np.uint8))
            (tmp_path / "masks" / name / f"{part}.png").write_bytes(data)
    with pytest.raises(SegkitError, match="the masks membrane, nucleus: they may") as caught:
        asked(tmp_path).listing()
    assert "dataset.labels=objects" in caught.value.remedy
    assert len(asked(tmp_path, labels="objects").listing().records) == 2
    assert len(Folder(tmp_path, classes=TWO).listing().records) == 2


def test_soft_edges_and_the_way_out(tmp_path: Path) -> None:
    root = object_set(tmp_path, {"a": [soft() > 127]})
    (root / "masks" / "a" / "000.png").unlink()
    (root / "masks" / "a" / "000.jpg").write_bytes(jpeg(soft().astype(np.uint8)))
    reader = asked(root)
    with pytest.raises(SegkitError) as caught:
        samples(reader)
    assert typed(caught.value.remedy) == [["dataset.mask_threshold=127"]]
    (sample,) = samples(asked(root, mask_threshold=127)).values()
    assert np.mean(labels_of(sample) != (soft() > 127)) < 0.01


def test_the_mask_of_another_size_is_named(tmp_path: Path) -> None:
    root = object_set(tmp_path, {"a": [*apart(squares(2)), np.ones((9, 9), np.uint8)]})
    with pytest.raises(SegkitError, match="differ in size") as caught:
        samples(asked(root))
    assert "masks/a/002.png" in caught.value.where
