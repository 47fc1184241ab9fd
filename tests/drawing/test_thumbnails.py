"""Pictures within a budget: which are kept, how large, and what is left out."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segkit.drawing import thumbnails
from segkit.drawing.thumbnails import carried, series


def noise(path: Path, rows: int = 40, columns: int = 30, *, seed: int = 0) -> Path:
    """The kind of picture that compresses worst."""
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "WEBP"
        return picture.size


def many(folder: Path, count: int, **shape: int) -> dict[int, Path]:
    return {n: noise(folder / f"{n}.png", seed=n, **shape) for n in range(count)}


def test_a_small_png_is_carried_as_it_is(tmp_path: Path) -> None:
    path = noise(tmp_path / "a.png")
    assert carried(path, 100_000) == (path.read_bytes(), "png")


def test_a_large_one_is_made_to_fit(tmp_path: Path) -> None:
    path = noise(tmp_path / "a.png", 400, 1600)
    kept = carried(path, 60_000)
    assert kept is not None
    assert kept[1] == "webp"
    assert len(kept[0]) <= 60_000 < path.stat().st_size
    width, height = size(kept[0])
    assert width / height == pytest.approx(4, rel=0.01)


def test_what_fits_at_no_quality_is_left_out(tmp_path: Path) -> None:
    assert carried(noise(tmp_path / "a.png", 400, 400), 100) is None


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n cut off"])
def test_what_is_no_picture_is_left_out(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    assert carried(path, 1000) is None
    assert series({3: path}, 3, 1000) == {}


def test_a_few_are_all_kept_at_their_size(tmp_path: Path) -> None:
    kept = series(many(tmp_path, 5), 2, 10**6)
    assert list(kept) == [0, 1, 2, 3, 4]
    assert {size(data) for data in kept.values()} == {(30, 40)}


def test_of_many_some_are_kept_evenly_with_first_last_and_wanted(tmp_path: Path) -> None:
    kept = list(series(many(tmp_path, 500, rows=4, columns=4), 123, 10**6))
    assert len(kept) == 40
    assert {0, 123, 499} <= set(kept)
    gaps = np.diff(kept)
    assert gaps.min() >= 1
    assert gaps.max() <= 20  # 499 / 39, and the wanted one in its neighbour's place
    assert kept == sorted(kept)


@pytest.mark.parametrize("most", [2_000, 20_000, 100_000])
def test_the_budget_holds(tmp_path: Path, most: int) -> None:
    kept = series(many(tmp_path, 30, rows=60, columns=60), 17, most)
    assert 0 < sum(map(len, kept.values())) <= most
    assert 17 in kept


def test_pictures_grow_small_before_they_grow_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "_STEPS", ((100, 80), (50, 30)))
    kept = series(many(tmp_path, 20, rows=100, columns=100), 5, 40_000)
    assert {size(data) for data in kept.values()} == {(50, 50)}
    assert len(kept) >= 12


def test_the_wanted_one_comes_first(tmp_path: Path) -> None:
    paths = many(tmp_path, 4, rows=60, columns=60)
    largest = max(len(data) for data in series(paths, 2, 10**6).values())
    assert list(series(paths, 2, round(0.7 * largest)))[:1] == [2]


def test_a_number_without_a_picture_is_no_trouble(tmp_path: Path) -> None:
    assert list(series(many(tmp_path, 3), 99, 10**6)) == [0, 1, 2]
    assert list(series(many(tmp_path, 3), None, 10**6)) == [0, 1, 2]
    assert series({}, 4, 10**6) == {}


def test_one_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    paths = many(tmp_path, 4)
    paths[3].write_bytes(b"cut off")
    assert list(series(paths, 1, 10**6)) == [0, 1, 2]


def test_a_picture_higher_than_webp_allows(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((20_000, 8), np.uint8)).save(path)
    [data] = series({0: path}, 0, 10**6).values()
    assert size(data) == (5, 12_000)
