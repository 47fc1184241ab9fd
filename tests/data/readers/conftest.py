"""What every data set promises. A new one needs a writer of a small example and one test:

    def test_contract(contract: Contract, tmp_path: Path) -> None:
        contract(example(tmp_path / "set"), NewReader)

which runs once for each promise below. The example holds at least two labelled groups.
"""

import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from segkit.core.contracts import SPLITS, UNLABELLED, Record, Sample, check_sample
from segkit.core.errors import SegkitError
from segkit.data.cache import open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.base import Reader
from segkit.data.splits import SplitSpec, assign_splits

Make = Callable[[Path], Reader]


def packed(folder: Path) -> Path:
    """A zip of the folder whose members lie in the reverse order."""
    path = folder.with_name(f"{folder.name}.zip")
    files = sorted((file for file in folder.rglob("*") if file.is_file()), reverse=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder))
    return path


def records_of(reader: Reader) -> list[Record]:
    found = reader.listing()
    assert found.problems == []
    assert sum(record.labelled for record in found.records) > 1, "too small an example"
    return found.records


def assert_equal(one: Sample, other: Sample) -> None:
    np.testing.assert_array_equal(one.image, other.image)
    for first, second in ((one.mask, other.mask), (one.instances, other.instances)):
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            np.testing.assert_array_equal(first, second)


def read_all(reader: Reader, records: Sequence[Record]) -> list[Sample]:
    return [reader.read(record) for record in records]


def ids_are_unique(folder: Path, make: Make) -> None:
    ids = [record.id for record in records_of(make(folder))]
    assert len(set(ids)) == len(ids)
    assert all(ids)


def order_is_stable(folder: Path, make: Make) -> None:
    listing = make(folder).listing()
    assert make(folder).listing() == listing
    assert make(packed(folder)).listing() == listing, "it follows the order of the archive"


def keys_are_filled(folder: Path, make: Make) -> None:
    reader = make(folder)
    names = set(reader.source.names())
    for record in records_of(reader):
        assert record.group
        assert record.split in ("", *SPLITS, UNLABELLED)
        assert set(reader.files(record)) <= names
        assert reader.files(record)


def shapes_and_types(folder: Path, make: Make) -> None:
    reader = make(folder)
    assert len(reader.classes) > 1
    for record in records_of(reader):
        sample = reader.read(record)
        check_sample(sample, record, len(reader.classes))
        assert (sample.mask is not None) == record.labelled
        assert sample.image.ndim == 2 or sample.image.shape[2] in (1, 2, 3, 4)
        if sample.mask is not None:
            assert sample.mask.dtype == np.uint8
        if sample.instances is not None:
            assert sample.instances.dtype == np.int32
            assert sample.mask is not None
            np.testing.assert_array_equal(sample.instances > 0, sample.mask > 0)


def masks_are_not_all_empty(folder: Path, make: Make) -> None:
    reader = make(folder)
    masks = [sample.mask for sample in read_all(reader, records_of(reader))]
    assert any(mask is not None and mask.any() for mask in masks)


def splits_are_disjoint(folder: Path, make: Make) -> None:
    records = records_of(make(folder))
    for published in (True, False):
        spec = SplitSpec(val=0.4, test=0, published=published)
        splits = assign_splits(records, spec)
        assert splits.keys() == {record.id for record in records}
        homes: dict[str, set[str]] = {}
        for record in records:
            if record.labelled:
                homes.setdefault(record.group, set()).add(splits[record.id])
        assert all(len(home) == 1 for home in homes.values())
        assert {"train", "val"} <= set(splits.values())


def a_zip_gives_the_same_pixels(folder: Path, make: Make) -> None:
    plain, archive = make(folder), make(packed(folder))
    records = records_of(plain)
    for record, one, other in zip(
        records, read_all(plain, records), read_all(archive, records_of(archive)), strict=True
    ):
        assert record.id
        assert_equal(one, other)


def it_pickles(folder: Path, make: Make) -> None:
    for root in (folder, packed(folder)):
        reader = make(root)
        record = records_of(reader)[0]
        sample = reader.read(record)  # with whatever it holds open
        again: Reader = pickle.loads(pickle.dumps(reader))
        assert again.listing() == reader.listing()
        assert_equal(again.read(record), sample)


def threads_read_what_one_reads(folder: Path, make: Make) -> None:
    for root in (folder, packed(folder)):
        reader = make(root)
        records = records_of(reader) * 4
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(reader.read, records))
        for one, other in zip(found, read_all(reader, records), strict=True):
            assert_equal(one, other)


def loaders_follow_the_records(folder: Path, make: Make) -> None:
    reader = make(folder)
    records = records_of(reader)
    loaded = [load() for load in reader.loaders(records)]
    for one, other in zip(loaded, read_all(reader, records), strict=True):
        assert_equal(one, other)


def a_cache_follows_the_content_of_files(folder: Path, make: Make) -> None:
    def build() -> str:
        reader = make(folder)
        records = [record for record in records_of(reader) if record.labelled]
        spec, caches = CacheSpec((16, 16), 1), folder.with_name("caches")
        cache = open_cache(reader, records, spec=spec, folder=caches, name="x", threads=1)
        return cache.pixels.name

    reader = make(folder)
    record = next(record for record in records_of(reader) if record.labelled)
    files = [reader.root / name for name in reader.files(record)]
    before = build()
    for file in files:
        os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
        assert build() == before, f"{file} was only touched"
    for file in files:
        change_unnoticed(file)
        assert build() != before, file
        before = build()


def change_unnoticed(file: Path) -> None:
    """Other bytes, as many and of the same time: in the middle, but of some where it does least."""
    data, time = bytearray(file.read_bytes()), file.stat().st_mtime_ns
    place = len(data) // 2
    if file.suffix in (".npz", ".gz"):
        place = {".npz": 10, ".gz": 4}[file.suffix]  # a date
    elif file.suffix == ".json":
        outline = data.index(b'"segmentation"')
        place = next(digit.start() for digit in re.finditer(rb"\d", data[outline:])) + outline
    data[place] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(time, time))


def list_and_read(reader: Reader, record: Record) -> None:
    reader.listing()
    reader.read(record)


def a_damaged_file_is_named(folder: Path, make: Make) -> None:
    reader = make(folder)
    record = next(record for record in records_of(reader) if record.labelled)
    for name in reader.files(record):
        file = reader.root / name
        whole = file.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], b"no image"):
            file.write_bytes(damaged)
            with pytest.raises(SegkitError) as caught:
                list_and_read(make(folder), record)
            assert name in caught.value.where
        file.write_bytes(whole)


def an_empty_folder_is_refused_with_the_layout(folder: Path, make: Make) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    reader = make(folder)
    with pytest.raises(SegkitError, match="no record of") as caught:
        reader.listing()
    assert reader.layout in caught.value.remedy


PROMISES: tuple[Callable[[Path, Make], None], ...] = (
    ids_are_unique,
    order_is_stable,
    keys_are_filled,
    shapes_and_types,
    masks_are_not_all_empty,
    splits_are_disjoint,
    a_zip_gives_the_same_pixels,
    it_pickles,
    threads_read_what_one_reads,
    loaders_follow_the_records,
    a_cache_follows_the_content_of_files,
    a_damaged_file_is_named,
    an_empty_folder_is_refused_with_the_layout,
)


@pytest.fixture(params=PROMISES, ids=lambda promise: promise.__name__)
def contract(request: pytest.FixtureRequest) -> Callable[[Path, Make], None]:
    """One promise, as a function of an example's folder and of what makes its reader."""
    promise: Callable[[Path, Make], None] = request.param
    return promise
