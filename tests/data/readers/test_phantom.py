"""Synthetic nuclei: what is drawn, and how it comes to lie on disk."""

import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.readers.phantom import KINDS, MARK, Phantom, draw_nuclei, write_phantoms


def written(root: Path, *, count: int = 4, size: int = 64, seed: int = 0) -> dict[str, bytes]:
    """Every file that a reader with these settings lists, and its bytes."""
    reader = Phantom(root, count=count, image_size=size, seed=seed)
    assert len(reader.listing().records) == count
    assert reader.listing().problems == []
    return {name: reader.source.read(name) for name in reader.source.names()}


def visible(folder: Path) -> list[str]:
    """Names in a folder; its lock stays, but nothing half written."""
    assert not list(folder.glob(".*building"))
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def again(root: Path) -> Reader:
    """A reader of what a phantom wrote; a zip of it is a DSB2018 archive."""
    if root.suffix == ".zip":
        return Dsb2018(root)
    return Phantom(root.parent, count=3, image_size=48, seed=7)


def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path
) -> None:
    reader = Phantom(tmp_path, count=3, image_size=48, seed=7)
    reader.listing()
    contract(reader.root, again)


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    first = written(tmp_path / "one")
    assert written(tmp_path / "two") == first
    assert written(tmp_path / "three", seed=1) != first
    more = written(tmp_path / "one", count=6)
    assert {name: more[name] for name in first} == first, "more images change the first ones"


def test_settings_lie_side_by_side_and_are_written_once(tmp_path: Path) -> None:
    written(tmp_path, count=2)
    written(tmp_path, count=3)
    assert visible(tmp_path) == ["2x64-seed0", "3x64-seed0"]
    marked = tmp_path / "2x64-seed0" / "phantom_0000" / "images" / "phantom_0000.png"
    before = marked.stat().st_mtime_ns
    written(tmp_path, count=2)
    assert marked.stat().st_mtime_ns == before


def test_two_that_write_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(written, tmp_path, count=6) for _ in range(3)]
    assert jobs[0].result() == jobs[1].result() == jobs[2].result()
    assert visible(tmp_path) == ["6x64-seed0"], "something was left behind"


@pytest.mark.parametrize("kind", KINDS)
def test_nuclei_stand_out_from_their_ground(kind: str) -> None:
    for seed in range(5):
        image, instances = draw_nuclei(np.random.default_rng(seed), kind=kind, size=128)
        assert image.shape == (128, 128, 3)
        assert instances.shape == (128, 128)
        assert (image.dtype, instances.dtype) == (np.dtype(np.uint8), np.dtype(np.int32))
        inside = image[instances > 0].astype(float).mean()
        outside = image[instances == 0].astype(float).mean()
        sign = 1 if kind == "fluorescence" else -1
        assert sign * (inside - outside) > 25, "of 255"
        assert 0.03 < (instances > 0).mean() < 0.5
        grey = (image == image[..., :1]).all()
        assert grey == (kind != "stained")


def test_there_are_nuclei_that_touch() -> None:
    touching = 0
    for seed in range(10):
        _, instances = draw_nuclei(np.random.default_rng(seed), kind="fluorescence", size=128)
        _, components = ndimage.label(instances > 0, structure=np.ones((3, 3)))
        touching += len(np.unique(instances)) - 1 - components
    assert touching >= 10


def test_kinds_come_in_their_shares(tmp_path: Path) -> None:
    reader = Phantom(tmp_path, count=150, image_size=32, seed=0)
    kinds = Counter(
        reader.stratum(record, reader.read_image(record)) for record in reader.listing().records
    )
    for kind, share in zip(KINDS, (0.6, 0.2, 0.2), strict=True):
        # Three standard deviations of a binomial count.
        assert abs(kinds[kind] - 150 * share) <= 3 * (150 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(("count", "size"), [(0, 64), (4, 31)])
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, count: int, size: int) -> None:
    with pytest.raises(SegkitError, match="cannot be drawn"):
        Phantom(tmp_path, count=count, image_size=size, seed=0)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    reader = Phantom(tmp_path / "file" / "phantom", count=1, image_size=32, seed=0)
    with pytest.raises(SegkitError, match="cannot be written") as caught:
        reader.listing()
    assert str(tmp_path / "file" / "phantom") in caught.value.where


def test_nothing_is_left_of_a_drawing_that_failed(tmp_path: Path) -> None:
    target = tmp_path / "set"
    target.write_text("a file in the place of the folder")
    with pytest.raises(SegkitError, match="cannot be written"):
        write_phantoms(target, count=1, image_size=32, seed=0)
    assert visible(tmp_path) == ["set"]
    target.unlink()
    write_phantoms(target, count=1, image_size=32, seed=0)
    assert target.stat().st_mode & 0o055 == 0o055, "others may read it"
    shutil.rmtree(target)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("name", ["images/a.png", "notes.txt", "deep/er/x", "2x64-seed9/a.png"])
def test_nothing_is_written_beside_files_of_the_user(tmp_path: Path, name: str) -> None:
    root = tmp_path / "my own"
    (root / name).parent.mkdir(parents=True)
    (root / name).write_text("precious", encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(SegkitError, match="not written beside other files") as caught:
        Phantom(root, count=2, image_size=64, seed=0).listing()
    assert f"dataset=folder 'dataset.root={root}';" in caught.value.remedy
    assert snapshot(tmp_path) == before


def test_nothing_is_written_in_the_place_of_an_archive(tmp_path: Path) -> None:
    root = tmp_path / "my own.zip"
    root.write_bytes(b"PK")
    with pytest.raises(SegkitError, match=r"such as my own\.zip") as caught:
        Phantom(root, count=2, image_size=64, seed=0).listing()
    assert f"dataset=folder 'dataset.root={root}';" in caught.value.remedy
    assert snapshot(tmp_path) == {str(root): b"PK"}


def test_a_folder_that_looks_empty_is_written_to(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_bytes(b"Finder")
    assert written(tmp_path)


def test_what_has_gone_is_written_again_and_nothing_else_is_touched(tmp_path: Path) -> None:
    whole = written(tmp_path)
    folder = tmp_path / "4x64-seed0"
    shutil.rmtree(folder / "phantom_0001")
    (folder / "phantom_0002" / "masks" / "001.png").unlink()
    own = folder / "notes.txt"
    own.write_text("precious", encoding="utf-8")
    kept = folder / "phantom_0000" / "images" / "phantom_0000.png"
    before = kept.stat().st_mtime_ns
    assert written(tmp_path) == whole | {"notes.txt": b"precious"}
    assert kept.stat().st_mtime_ns == before


def test_what_was_left_of_a_drawing_that_was_killed_is_cleared(tmp_path: Path) -> None:
    half = tmp_path / ".4x64-seed0.building" / "phantom_0000" / "images"
    half.mkdir(parents=True)
    assert len(written(tmp_path)) > 4
    assert visible(tmp_path) == ["4x64-seed0"]


def test_what_an_earlier_version_drew_is_read_as_it_is(tmp_path: Path) -> None:
    before = written(tmp_path)
    (tmp_path / "4x64-seed0" / MARK).unlink()
    assert written(tmp_path) == before
    assert not (tmp_path / "4x64-seed0" / MARK).exists()
