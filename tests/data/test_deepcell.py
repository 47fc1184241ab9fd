"""DynamicNuclearNet in both layouts: JPEG pairs, and streamed arrays."""

import io
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.contracts import UNLABELLED, Record, check_sample
from segkit.data.base import Reader
from segkit.data.deepcell import DeepCell
from segkit.errors import SegkitError

COUNTS = {"train": 3, "valid": 2, "test": 1}


def _jpeg(pixels: NDArray[np.uint8], mode: str = "L", quality: int = 75) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _two_squares(size: int = 64) -> NDArray[np.uint8]:
    mask = np.zeros((size, size), np.uint8)
    mask[3:20, 3:20] = 255
    mask[40:60, 30:55] = 255
    return mask


def _jpeg_files(prefix: str = "DeepCell/") -> dict[str, bytes]:
    files = {}
    for split, count in COUNTS.items():
        for number in range(count):
            grey = np.full((64, 64), 20 * number + 30, np.uint8)
            files[f"{prefix}{split}/images/{10339 + number}.jpg"] = _jpeg(grey)
            files[f"{prefix}{split}/masks/{10339 + number}.jpg"] = _jpeg(_two_squares())
    return files


def _stack(count: int, size: int = 16, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    images = rng.gamma(2.0, 500.0, (count, size, size, 1)).astype(np.float32)
    labels = np.zeros((count, size, size, 1), np.int64)
    labels[:, 2:6, 2:6] = 3
    labels[:, 6:9, 2:6] = 70000
    return images, labels


def _npz(compress: bool = True, **arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    meta = np.array([{"tissue": "HeLa"}], dtype=object)
    (np.savez_compressed if compress else np.savez)(buffer, meta=meta, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _npz_files(prefix: str = "", compress: bool = True) -> dict[str, bytes]:
    files = {}
    for seed, (name, count) in enumerate({"train": 4, "val": 2, "test": 3}.items()):
        images, labels = _stack(count, seed=seed)
        files[f"{prefix}{name}.npz"] = _npz(compress, X=images, y=labels)
    return files


def _reader(root: Path, files: dict[str, bytes], holder: str = "folder") -> DeepCell:
    if holder == "folder":
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        return DeepCell(root)
    method = zipfile.ZIP_STORED if holder == "stored zip" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(root / "set.zip", "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return DeepCell(root / "set.zip")


holders = pytest.mark.parametrize("holder", ["folder", "stored zip", "deflated zip"])


@pytest.mark.parametrize("layout", ["jpeg", "npz"])
def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path, layout: str
) -> None:
    files = _jpeg_files() if layout == "jpeg" else _npz_files()
    contract(_reader(tmp_path / "set", files).root, DeepCell)


@holders
def test_jpeg_pairs(tmp_path: Path, holder: str) -> None:
    reader = _reader(tmp_path, _jpeg_files(), holder)
    found = reader.listing()
    assert found.problems == []
    assert [r.id for r in found.records if r.split == "train"] == [
        "train/10339",
        "train/10340",
        "train/10341",
    ]
    assert [r.split for r in found.records].count("val") == 2
    assert [r.split for r in found.records].count("test") == 1
    assert all(record.group == record.id for record in found.records)
    record = next(r for r in found.records if r.id == "train/10340")
    sample = reader.read(record)
    check_sample(sample, record, len(reader.classes))
    assert abs(int(sample.image[10, 10]) - 50) <= 2
    assert reader.files(record) == (record.image, record.masks[0])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_ringing_is_cut_and_nuclei_are_counted(tmp_path: Path, mode: str) -> None:
    files = _jpeg_files()
    name = "DeepCell/test/masks/10339.jpg"
    files[name] = _jpeg(_two_squares(), mode, quality=40)
    stored = np.asarray(Image.open(io.BytesIO(files[name])).convert("L"))
    assert len(np.unique(stored)) > 2  # there is ringing to cut
    reader = _reader(tmp_path, files)
    sample = reader.read(next(r for r in reader.scan().records if r.id == "test/10339"))
    assert sample.mask is not None
    assert sample.instances is not None
    np.testing.assert_array_equal(sample.mask, _two_squares() // 255)
    assert sample.instances.dtype == np.int32
    assert np.unique(sample.instances).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(sample.instances > 0, sample.mask > 0)


def test_jpeg_orphans_are_named(tmp_path: Path) -> None:
    files = _jpeg_files()
    del files["DeepCell/train/masks/10339.jpg"]
    del files["DeepCell/valid/images/10340.jpg"]
    files["DeepCell/test/masks/10339.png"] = b""
    found = _reader(tmp_path, files).scan()
    assert {(p.where, p.what) for p in found.problems} == {
        ("DeepCell/train/images/10339.jpg", "an image without a mask"),
        ("DeepCell/valid/masks/10340.jpg", "a mask without an image"),
        (
            "DeepCell/test/masks/10339.jpg, DeepCell/test/masks/10339.png",
            "several masks for one image",
        ),
    }
    assert len(found.records) == sum(COUNTS.values()) - 3


def test_tree_without_masks_is_unlabelled(tmp_path: Path) -> None:
    images = {name: data for name, data in _jpeg_files().items() if "/images/" in name}
    reader = _reader(tmp_path, images)
    records = reader.listing().records
    assert {r.split for r in records} == {UNLABELLED}
    assert not any(r.labelled for r in records)
    assert reader.read(records[0]).mask is None


def test_two_trees_keep_their_ids_apart(tmp_path: Path) -> None:
    ids = [r.id for r in _reader(tmp_path, _jpeg_files("a/") | _jpeg_files("b/")).scan().records]
    assert len(set(ids)) == len(ids) == 2 * sum(COUNTS.values())
    assert "a/train/10339" in ids


def test_deep_mask_is_refused_by_name(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(_two_squares().astype(np.uint16) * 257).save(buffer, "PNG")
    files = {"train/images/1.jpg": _jpeg(_two_squares()), "train/masks/1.png": buffer.getvalue()}
    reader = _reader(tmp_path, files)
    with pytest.raises(SegkitError, match="uint16") as caught:
        reader.read(reader.scan().records[0])
    assert caught.value.where.endswith("train/masks/1.png")


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


@holders
def test_loaders_give_what_read_gives(tmp_path: Path, holder: str) -> None:
    reader = _reader(tmp_path, _npz_files() | _jpeg_files(), holder)
    records = reader.scan().records
    for chosen in (records, records[::-1], records[1::3]):
        for record, load in zip(chosen, reader.loaders(chosen), strict=True):
            again, sample = reader.read(record), load()
            np.testing.assert_array_equal(sample.image, again.image)
            np.testing.assert_array_equal(sample.instances, again.instances)


def test_cache_key_covers_the_npz(tmp_path: Path) -> None:
    reader = _reader(tmp_path, _npz_files())
    record = next(r for r in reader.scan().records if r.id == "val.npz#1")
    assert reader.files(record) == ("val.npz",)
    before = reader.source.fingerprint(reader.files(record))
    images, labels = _stack(2, seed=9)
    (tmp_path / "val.npz").write_bytes(_npz(X=images, y=labels))
    assert reader.source.fingerprint(reader.files(record)) != before


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


def test_another_data_set_is_refused_with_the_layout(tmp_path: Path) -> None:
    reader = _reader(tmp_path, {"abc/images/abc.png": _jpeg(_two_squares()), "other.npz": b""})
    with pytest.raises(SegkitError, match="DeepCell") as caught:
        reader.listing()
    assert "train.npz" in caught.value.remedy


def test_item_past_the_end_is_a_bug_not_a_wrong_image(tmp_path: Path) -> None:
    reader = _reader(tmp_path, _npz_files())
    with pytest.raises(IndexError, match="4 items"):
        reader.read(Record("x", "x", "train.npz#4", ("train.npz#4.y",)))
