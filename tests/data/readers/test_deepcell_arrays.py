"""DynamicNuclearNet as stacks in npz files: streamed, and refused by name where they are bad."""

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from segkit.core.contracts import Record, check_sample
from segkit.core.errors import SegkitError
from segkit.data.readers.deepcell import DeepCell
from tests.data.readers.deepcell_files import _npz, _npz_files, _reader, _stack, holders


@holders
@pytest.mark.parametrize("compress", [True, False])
def test_arrays(tmp_path: Path, holder: str, compress: bool) -> None:
    prefix = "" if holder == "folder" else "DynamicNuclearNet-segmentation-v1_0/"
    reader = _reader(tmp_path, _npz_files(prefix, compress), holder)
    found = reader.listing()
    assert found.problems == []
    assert [r.split for r in found.records] == ["test"] * 3 + ["train"] * 4 + ["val"] * 2
    record = next(r for r in found.records if r.id == "train.npz#2")
    assert record.image == f"{prefix}train.npz#2"
    sample = reader.read(record)
    check_sample(sample, record, len(reader.classes))
    images, labels = _stack(4, seed=0)
    np.testing.assert_array_equal(sample.instances, labels[2, ..., 0])
    np.testing.assert_array_equal(sample.mask, labels[2, ..., 0] > 0)
    # Scaling keeps the order of intensities, and the largest becomes 255.
    flat = images[2, ..., 0].ravel()
    order = np.argsort(flat)
    assert (np.diff(sample.image.ravel()[order].astype(int)) >= 0).all()
    assert sample.image.max() == 255
    assert sample.image.min() == 0


def test_cache_key_covers_the_npz(tmp_path: Path) -> None:
    reader = _reader(tmp_path, _npz_files())
    record = next(r for r in reader.scan().records if r.id == "val.npz#1")
    assert reader.files(record) == ("val.npz",)
    before = reader.source.checksum("val.npz")
    images, labels = _stack(2, seed=9)
    (tmp_path / "val.npz").write_bytes(_npz(X=images, y=labels))
    assert reader.source.checksum("val.npz") != before


def test_channels_of_x_and_y(tmp_path: Path) -> None:
    images, labels = _stack(1)
    nuclear_membrane = np.concatenate([images, images[:, ::-1]], axis=3)
    cell_nuclear = np.concatenate([np.full_like(labels, 5), labels], axis=3)
    one = _reader(tmp_path / "one", {"train.npz": _npz(X=images, y=labels)})
    two = _reader(tmp_path / "two", {"my_train.npz": _npz(X=nuclear_membrane, y=cell_nuclear)})
    bare = _reader(tmp_path / "bare", {"val.npz": _npz(X=images[..., 0], y=labels[..., 0])})
    samples = [reader.read(reader.scan().records[0]) for reader in (one, two, bare)]
    for sample in samples[1:]:
        np.testing.assert_array_equal(sample.image, samples[0].image)
        np.testing.assert_array_equal(sample.instances, samples[0].instances)
    assert two.scan().records[0].id == "my_train.npz#0"


def test_whole_arrays_that_cannot_be_paired_are_problems(tmp_path: Path) -> None:
    images, labels = _stack(2)
    files = {
        "a/train.npz": _npz(X=images),
        "b/train.npz": _npz(y=labels),
        "c/train.npz": _npz(X=images, y=labels[:1]),
        "d/train.npz": _npz(X=images[0, ..., 0], y=labels),
        "e/train.npz": _npz(X=images, y=labels.astype(np.float32)),
        "f/train.npz": _npz(X=images, y=labels),
        "g/train.npz": _npz(X=images, y=labels),
    }
    found = _reader(tmp_path, files).listing()
    whats = {problem.where: problem.what for problem in found.problems}
    assert whats.keys() == {f"{folder}/train.npz" for folder in "abcde"}
    assert "y is missing" in whats["a/train.npz"]
    assert "without the array X" in whats["b/train.npz"]
    assert "2 images in X, but 1 masks" in whats["c/train.npz"]
    assert "X of shape (16, 16), expected (N, H, W, 1)" in whats["d/train.npz"]
    assert "float32" in whats["e/train.npz"]
    assert [r.id for r in found.records][::2] == ["f/train.npz#0", "g/train.npz#0"]


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    images = np.array([np.zeros((3, 3)), np.zeros((4, 4))], dtype=object)
    with pytest.raises(SegkitError, match="Python objects"):
        _reader(tmp_path, {"train.npz": _npz(X=images, y=_stack(2)[1])}).scan()


def test_a_bad_item_is_named_and_leaves_the_others_readable(tmp_path: Path) -> None:
    images, labels = _stack(20)
    images[17, 3, 3] = np.nan
    labels[4, 0, 0] = -1
    reader = _reader(tmp_path, {"train.npz": _npz(X=images, y=labels)})
    records = reader.scan().records
    bad: dict[str, SegkitError] = {}
    for record, load in zip(records, reader.loaders(records), strict=True):
        try:
            check_sample(load(), record, 2)
        except SegkitError as error:
            bad[record.id] = error
    assert bad.keys() == {"train.npz#4", "train.npz#17"}
    assert bad["train.npz#17"].where.endswith("train.npz#17")
    assert "NaN" in bad["train.npz#17"].what
    assert bad["train.npz#4"].where.endswith("train.npz#4.y")
    with pytest.raises(SegkitError, match="NaN"):
        reader.read(records[17])


def test_damage_in_the_middle_stops_no_iteration(tmp_path: Path) -> None:
    images, labels = _stack(30, size=64)
    data = bytearray(_npz(X=images, y=labels))
    data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    reader = _reader(tmp_path, {"train.npz": bytes(data)})
    records = reader.scan().records
    outcomes = []
    for load in reader.loaders(records):
        try:
            load()
            outcomes.append("read")
        except SegkitError as error:
            outcomes.append("refused" if "train.npz" in error.where else "nameless")
    assert len(outcomes) == 30
    assert outcomes[0] == "read"
    assert outcomes[-1] == "refused"
    assert "nameless" not in outcomes


@holders
def test_memory_stays_within_a_few_images(tmp_path: Path, holder: str) -> None:
    count, size = 80, 192
    images = np.tile(np.linspace(0, 1, size, dtype=np.float32), (count, size, 1))[..., None]
    labels = np.zeros((count, size, size, 1), np.int32)
    data = _npz(X=images, y=labels)
    one = images[0].nbytes + labels[0].nbytes
    del images, labels
    reader = _reader(tmp_path, {"train.npz": data}, holder)
    del data
    records = reader.scan().records
    tracemalloc.start()
    try:
        for load in reader.loaders(records):
            load()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(records) == count
    assert peak < 10 * one


def test_reader_travels_to_worker_processes(tmp_path: Path) -> None:
    reader = _reader(tmp_path, _npz_files(), "stored zip")
    record = reader.scan().records[0]
    expected = reader.read(record)
    copy: DeepCell = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(copy.read(record).image, expected.image)


def test_item_past_the_end_is_a_bug_not_a_wrong_image(tmp_path: Path) -> None:
    reader = _reader(tmp_path, _npz_files())
    with pytest.raises(IndexError, match="4 items"):
        reader.read(Record("x", "x", "train.npz#4", ("train.npz#4.y",)))
