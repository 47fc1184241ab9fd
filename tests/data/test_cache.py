"""The cache: the reader's own pixels, built once, whole or not at all."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from segkit.core.contracts import Sample
from segkit.core.errors import SegkitError
from segkit.data.cache import Cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.imaging.channels import to_channels
from segkit.imaging.pixels import resize_image, resize_mask
from tests.data.caching import InMemory, build, samples


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(48, 40), (100, 64), None])
def test_pixels_are_the_readers_resized(
    phantom_root: Path, cache_dir: Path, size: tuple[int, int] | None, channels: int
) -> None:
    reader = Dsb2018(phantom_root)
    cache = build(reader, cache_dir, CacheSpec(size, channels))
    records = reader.listing().records
    assert list(cache.entries) == [record.id for record in records]
    for record in records:
        sample = reader.read(record)
        assert sample.mask is not None
        target = size or (64, 64)
        image, mask = cache.image(record.id), cache.mask(record.id)
        np.testing.assert_array_equal(
            image, resize_image(to_channels(sample.image, channels), target)
        )
        np.testing.assert_array_equal(mask, resize_mask(sample.mask, target))
        np.testing.assert_array_equal(cache.native_mask(record.id), sample.mask)
        assert image.dtype == mask.dtype == cache.native_mask(record.id).dtype == np.uint8
        assert cache.entries[record.id].native == (64, 64)
        assert cache.entries[record.id].stratum == reader.stratum(record, sample.image)


def test_masks_are_never_interpolated(root: Path, cache_dir: Path) -> None:
    rng = np.random.default_rng(1)
    mask = rng.choice(np.array([0, 3, 200], np.uint8), (61, 83))
    reader = InMemory(root, {"r": Sample(np.zeros((61, 83), np.uint8), mask)}, classes=201)
    for size in ((17, 23), (40, 160), (200, 200)):
        cached = build(reader, cache_dir, CacheSpec(size, 1)).mask("r")
        assert set(np.unique(cached)) == {0, 3, 200}, "a mean of two classes is another class"
        # The nearest pixel centre of each output pixel, by definition.
        rows, columns = (
            np.floor((np.arange(new) + 0.5) * old / new).astype(int)
            for new, old in zip(size, mask.shape, strict=True)
        )
        np.testing.assert_array_equal(cached, mask[np.ix_(rows, columns)])


def test_the_views_cannot_be_written_to(phantom_root: Path, cache_dir: Path) -> None:
    cache = build(Dsb2018(phantom_root), cache_dir)
    for view in (cache.image("phantom_0000"), cache.mask("phantom_0000")):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 0


def test_a_cache_knows_the_pixels_of_each_record_whatever_its_size(
    root: Path, cache_dir: Path
) -> None:
    reader = InMemory(root, samples())
    known = [build(reader, cache_dir, CacheSpec(size, 1)).entries for size in ((48, 40), None)]
    sums = [{name: entry.checksums for name, entry in entries.items()} for entries in known]
    assert sums[0] == sums[1]
    assert len({sums[0][name].image for name in sums[0]}) == 3
    changed = samples()
    mask = changed["r1"].mask
    assert mask is not None
    mask[-1, -1] ^= 1
    (root / "r1").write_bytes(b"x")
    now = build(InMemory(root, changed), cache_dir).entries["r1"].checksums
    assert now.image == sums[0]["r1"].image
    assert now.mask != sums[0]["r1"].mask


def test_records_that_cannot_be_read_are_listed_and_the_rest_is_kept(
    own_root: Path, cache_dir: Path
) -> None:
    (own_root / "phantom_0003" / "images" / "phantom_0003.png").write_bytes(b"")
    reader = Dsb2018(own_root)
    for _ in range(2):  # built, then read
        cache = build(reader, cache_dir)
        assert list(cache.entries) == [r.id for r in reader.listing().records if "0003" not in r.id]
        (problem,) = cache.problems
        assert problem.where == f"{own_root}/phantom_0003/images/phantom_0003.png"
        assert problem.what == "an image file of zero bytes"
        np.testing.assert_array_equal(
            cache.native_mask("phantom_0004"), reader.read(reader.listing().records[4]).mask
        )


def test_a_cache_in_use_outlives_its_folder(root: Path, cache_dir: Path) -> None:
    """It is safe to delete, the configuration says."""
    reader = InMemory(root, samples())
    used = build(reader, cache_dir)
    shutil.rmtree(cache_dir)
    expected = resize_image(reader.samples["r2"].image, (48, 40))
    np.testing.assert_array_equal(used.image("r2"), expected)


def test_a_cache_of_nothing_is_a_cache(own_root: Path, cache_dir: Path) -> None:
    for image in own_root.glob("*/images/*.png"):
        image.write_bytes(b"")
    cache = build(Dsb2018(own_root), cache_dir)
    assert (cache.entries, len(cache.problems)) == ({}, 12)
    assert build(Dsb2018(own_root), cache_dir).problems == cache.problems


def test_the_memory_map_does_not_travel(phantom_root: Path, cache_dir: Path) -> None:
    cache = build(Dsb2018(phantom_root), cache_dir, CacheSpec((512, 512), 3))
    image = cache.image("phantom_0001")
    parcel = pickle.dumps(cache)
    assert len(parcel) < 20_000, "of 12 MB"
    again: Cache = pickle.loads(parcel)
    np.testing.assert_array_equal(again.image("phantom_0001"), image)


def test_a_bug_in_a_reader_is_not_taken_for_a_bad_record(root: Path, cache_dir: Path) -> None:
    reader = InMemory(root, samples())
    del reader.samples["r1"]
    with pytest.raises(KeyError):
        build(reader, cache_dir)
    assert [path.suffix for path in cache_dir.iterdir()] == [".lock"], "half of it was left"
    reader.samples = samples()
    assert len(build(reader, cache_dir).entries) == 3


def test_a_folder_that_cannot_be_written_to_is_named(phantom_root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SegkitError, match="the cache cannot be written") as caught:
            build(Dsb2018(phantom_root), folder)
        assert caught.value.where == f"dataset.cache_dir={folder}"
