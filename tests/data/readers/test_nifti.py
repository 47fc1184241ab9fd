"""Volumes as slices: NIfTI files of a folder."""

import gzip
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data import volumes as held
from segkit.data.cache import open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from segkit.data.volumes import file_of, split_name
from segkit.imaging.pixels import decode
from tests.data.readers.nifti_files import AXES, SHAPE, affine_of, planes, save, volumes, voxels

TWO = ("background", "foreground")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path, suffix: str
) -> None:
    contract(volumes(tmp_path / "set", suffix=suffix), partial(Folder, classes=TWO))


@pytest.mark.parametrize("axis", AXES)
def test_slices_are_those_of_the_canonical_volume(tmp_path: Path, axis: str) -> None:
    root = volumes(tmp_path, names="abcde")
    reader = Folder(root, classes=TWO, axis=axis)
    found = reader.listing()
    assert found.problems == []
    assert [record.group for record in found.records[:2]] == ["a", "a"]
    for record in found.records:
        file, number = split_name(record.image)
        assert record.id == f"{record.group}#{number}"
        whole = planes(root / file, axis)
        low, high = np.percentile(whole, (0.2, 99.8))
        plane = (whole[number].astype(np.float32) - low) * (255 / (high - low))
        sample = reader.read(record)
        np.testing.assert_array_equal(sample.image, np.rint(np.clip(plane, 0, 255)))
        np.testing.assert_array_equal(sample.mask, whole[number] > 1500)
    counts = Counter(record.group for record in found.records)
    own = {group: len(planes(root / f"images/{group}.nii.gz", axis)) for group in counts}
    assert counts == own


@pytest.mark.parametrize(
    "pair",
    [("p/a.nii.gz", "p/a_seg.nii.gz"), ("imgs/a.nii.gz", "labels/a.nii"),
     ("images/a.nii", "masks/a_mask.nii.gz")],
)  # fmt: skip
def test_layouts_of_other_names(tmp_path: Path, pair: tuple[str, str]) -> None:
    image, mask = pair
    save(tmp_path / image, voxels(0))
    save(tmp_path / mask, (voxels(0) > 1500).astype(np.uint8))
    found = Folder(tmp_path, classes=TWO).listing()
    assert found.problems == []
    assert {record.masks[0].partition("#")[0] for record in found.records} == {mask}
    assert {record.group for record in found.records} <= {"a", "p/a"}


def test_the_window_is_that_of_the_whole_volume(tmp_path: Path) -> None:
    """Or a slice of air would be as bright as one of the brain."""
    data = np.zeros((16, 16, 4), np.int16)
    data[4:12, 4:12, 2] = 1000
    data[..., 0] = np.random.default_rng(0).integers(0, 10, (16, 16))
    save(tmp_path / "images" / "a.nii.gz", data)
    reader = Folder(tmp_path, classes=TWO)
    images = [reader.read(record).image for record in reader.listing().records]
    assert images[0].max() < 5
    assert images[2].max() == 255


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    data = voxels(0)
    plain = save(tmp_path / "images" / "plain.nii", data.astype(np.float32) * -0.5 + 100)
    other = save(tmp_path / "images" / "scaled.nii", data)
    scale(other, -0.5, 100.0)
    np.testing.assert_array_equal(planes(plain), planes(other))
    reader = Folder(tmp_path, classes=TWO)
    samples = [reader.read(record).image for record in reader.listing().records]
    count = SHAPE[2]
    np.testing.assert_array_equal(samples[:count], samples[count:])


def scale(path: Path, slope: float, offset: float) -> None:
    """Set what nibabel would work out itself: bytes 112 and 116 of a header."""
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([slope, offset], "<f4").tobytes()
    path.write_bytes(content)


def test_a_mask_of_whole_floats_and_of_another_orientation(tmp_path: Path) -> None:
    """Of its image it has the place, not the order of voxels: tools write them as they like."""
    data, truth = voxels(0), (voxels(0) > 1500).astype(np.float64)
    save(tmp_path / "images" / "a.nii.gz", data, affine_of("RAS"))
    save(tmp_path / "masks" / "a.nii.gz", truth[::-1], affine_of("LAS"))
    reader = Folder(tmp_path, classes=TWO)
    found = reader.listing()
    assert found.problems == []
    whole = planes(tmp_path / "images" / "a.nii.gz")
    for number, record in enumerate(found.records):
        np.testing.assert_array_equal(reader.read(record).mask, whole[number] > 1500)


@pytest.mark.parametrize(
    ("mask", "what"),
    [
        (lambda path: save(path, np.zeros((7, 9, 6), np.uint8)), "7×9×6 voxels of an image of 7×9"),
        (
            lambda path: save(path, np.zeros(SHAPE, np.uint8), affine_of("RAS") + 1),
            "mm away from its image",
        ),
        (lambda path: path.with_name("a.png").write_bytes(b""), "is a plane"),
        (lambda path: path.write_bytes(b"nothing"), "its content is not NIfTI"),
        (lambda path: save(path, np.zeros((7, 9, 5, 2), np.uint8)), "7×9×5×2: points in time"),
    ],
)
def test_a_mask_that_does_not_fit_is_a_problem_of_the_volume(
    tmp_path: Path, mask: Callable[[Path], object], what: str
) -> None:
    root = volumes(tmp_path, names="b")
    save(root / "images" / "a.nii.gz", voxels(3))
    mask(root / "masks" / "a.nii.gz")
    found = Folder(root, classes=TWO).listing()
    assert len(found.records) == SHAPE[2], "those of the other volume"
    [problem] = found.problems
    assert what in problem.what
    assert "a." in problem.where
    assert problem.remedy


@pytest.mark.parametrize("kind", [[("R", "u1"), ("G", "u1"), ("B", "u1")], np.complex64])
def test_colours_and_complex_numbers_are_refused(tmp_path: Path, kind: Any) -> None:
    save(tmp_path / "images" / "a.nii.gz", np.zeros(SHAPE, kind))
    [problem] = Folder(tmp_path, classes=TWO).listing().problems
    assert "one real number a voxel" in problem.remedy


def test_an_unknown_axis(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match=r"(?s)coronel.*did you mean 'coronal'"):
        Folder(tmp_path, classes=TWO, axis="coronel")


@pytest.mark.parametrize(("threads", "room"), [(1, 0), (16, 2**28)])
def test_a_volume_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, room: int
) -> None:
    root, decoded = volumes(tmp_path, names="abcdefgh"), Counter[str]()
    monkeypatch.setattr(held, "_BYTES", room)
    before, lock = held._decoded, threading.Lock()

    def counted(source: Any, file: str) -> Any:
        with lock:
            decoded[file] += 1
        return before(source, file)

    monkeypatch.setattr(held, "_decoded", counted)
    reader = Folder(root, classes=TWO)
    records = reader.listing().records
    with ThreadPoolExecutor(threads) as pool:
        samples = list(pool.map(reader.read, records))
    assert len(samples) == len(records)
    assert set(decoded.values()) == {1}, decoded
    assert len(decoded) == 16
    assert len(reader.source._volumes) == (16 if room else reader.source.held)


def test_a_cache_follows_files_not_slices(tmp_path: Path) -> None:
    reader = Folder(volumes(tmp_path / "set", names="ab"), classes=TWO)
    records = reader.listing().records
    cache = open_cache(
        reader, records, spec=CacheSpec((16, 16), 3), folder=tmp_path / "caches", name="x"
    )
    assert list(cache.entries) == [record.id for record in records]
    assert cache.problems == []
    files = (cache.folder / "files.json").read_text(encoding="utf-8")
    assert "#" not in files
    assert "images/b.nii.gz" in files


def test_a_table_of_volumes(tmp_path: Path) -> None:
    root = volumes(tmp_path, names="ab")
    (root / "all.csv").write_text(
        "image,mask,group,split\nimages/a.nii.gz,masks/a.nii.gz,ann,train\n"
        "images/b.nii.gz,masks/b.nii.gz,bob,test\n"
    )
    records = Folder(root, classes=TWO, manifest="all.csv").listing().records
    assert (records[0].id, records[0].group, records[0].split) == ("images/a#0", "ann", "train")
    assert {record.split for record in records if record.group == "bob"} == {"test"}


def test_the_advice_for_four_dimensions_gives_sequences(tmp_path: Path) -> None:
    both = np.stack([voxels(0), voxels(1)], axis=3)
    file = save(tmp_path / "images" / "a.nii.gz", both)
    save(tmp_path / "masks" / "a.nii.gz", np.ones(SHAPE, np.uint8))
    problem = Folder(tmp_path, classes=TWO).listing().problems[0]
    found = re.search(r'python -c "([^"]+)"', problem.remedy)
    assert found
    exec(found[1], {})
    file.unlink()
    reader = Folder(tmp_path, classes=TWO)
    assert reader.listing().problems == []
    assert reader.read(reader.listing().records[0]).image.shape == (9, 7, 2)


def test_only_addresses_of_images_are_slices() -> None:
    assert split_name("a/ct.nii.gz#12") == ("a/ct.nii.gz", 12)
    assert file_of("notes#12") == "notes#12"
    assert file_of("a#1.png") == "a#1.png"


def test_a_packed_file_is_known_whatever_its_name_was(tmp_path: Path) -> None:
    """``gzip`` writes the name that a file had in front of what is packed."""
    path = save(tmp_path / "a.nii", voxels(0, (5, 4, 1)))
    with (tmp_path / "b").open("wb") as file, gzip.GzipFile("x" * 200, "wb", 6, file) as packed:
        packed.write(path.read_bytes())
    found = decode((tmp_path / "b").read_bytes(), "b")
    np.testing.assert_array_equal(found, decode(path.read_bytes(), "a"))
