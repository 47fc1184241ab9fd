"""Label images read back with tifffile, Pillow and OpenCV."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.inference.objects.label_files import RowStore, label_suffix
from segkit.inference.objects.label_files import write_labels as write_to
from segkit.inference.objects.measure import measure
from tests.inference.objects.phantoms import PHANTOMS, Labels, noise, seventy_thousand


def write_labels(folder: Path, stem: str, labels: Any, *, form: str = "png", **how: Any) -> Path:
    path = folder / f"{stem}{label_suffix(labels, form)}"
    write_to(path, labels, **how)
    return path


@pytest.mark.parametrize("phantom", [*PHANTOMS, seventy_thousand])
def test_written_and_read_the_labels_are_the_same(
    phantom: Callable[[], Labels], tmp_path: Path
) -> None:
    labels = phantom()
    path = write_labels(tmp_path, "a", labels)
    assert path.name == ("a.png" if labels.max() < 2**16 else "a.tif")
    if path.suffix == ".png":
        with Image.open(path) as picture:
            assert picture.mode == "I;16"
            np.testing.assert_array_equal(np.asarray(picture), labels)
        read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert read is not None
        assert read.dtype == np.uint16
    else:
        read = tifffile.imread(path)
        assert read.dtype == np.uint32
    np.testing.assert_array_equal(read, labels)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_tiff_says_its_axes_and_pixel_size(tmp_path: Path) -> None:
    path = write_labels(tmp_path, "a", noise() % 7, form="tiff", pixel_size=(0.5, 0.325))
    with tifffile.TiffFile(path) as tiff:
        (series,) = tiff.series
        assert (series.axes, series.dtype.name) == ("YX", "uint32")
        np.testing.assert_array_equal(series.asarray(), noise() % 7)
        tags = tiff.pages.first.tags
        assert tags["ResolutionUnit"].value == tifffile.RESUNIT.CENTIMETER
        for tag, size in (("XResolution", 0.325), ("YResolution", 0.5)):
            over, under = tags[tag].value
            assert 1e4 * under / over == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("highest", [65_535, 65_536, 2**32 - 1])
def test_16_bits_where_they_do(highest: int, tmp_path: Path) -> None:
    labels = np.array([[0, highest]], np.int64)
    path = write_labels(tmp_path, "a.b", labels)
    assert path.name == ("a.b.png" if highest < 2**16 else "a.b.tif")
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.suffix == ".png" else None
    np.testing.assert_array_equal(tifffile.imread(path) if read is None else read, labels)


@pytest.mark.parametrize("labels", [[[-1]], [[2**32]]])
def test_labels_that_no_file_holds(labels: list[list[int]], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="labels of"):
        write_labels(tmp_path, "a", np.array(labels))
    assert not list(tmp_path.iterdir())


def test_an_unknown_form(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="form 'jpeg' is none of png, tiff"):
        write_labels(tmp_path, "a", noise(), form="jpeg")


class Torn:
    """Rows that cannot be read a second time."""

    shape = (4, 4)

    def __init__(self) -> None:
        self.reads = 0

    def __getitem__(self, rows: slice, /) -> Labels:
        self.reads += 1
        if self.reads > 1:
            raise OSError(errno.EIO, "torn")
        return np.ones((4, 4), np.int32)[rows]


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_whole_or_not_at_all(form: str, tmp_path: Path) -> None:
    old = write_labels(tmp_path, "a", np.zeros((2, 2), int), form=form)
    before = old.read_bytes()
    with pytest.raises(OSError, match="torn"):
        write_labels(tmp_path, "a", Torn(), form=form)
    assert [file.name for file in tmp_path.iterdir()] == [old.name]
    assert old.read_bytes() == before


def test_a_store_is_read_while_it_is_written(tmp_path: Path) -> None:
    labels = noise()
    with RowStore(tmp_path, 43) as store:
        assert store.shape == (0, 43)
        assert store[0:5].shape == (0, 43)
        for top in range(0, 61, 7):
            store.add(labels[top : top + 7])
            store.add(labels[:0])
            np.testing.assert_array_equal(store[top : top + 3], labels[top : top + 3])
        assert store.shape == (61, 43)
        for rows in (slice(None), slice(50, 99), slice(60, 61), slice(4, 4), slice(-3, None)):
            np.testing.assert_array_equal(store[rows], labels[rows])
        np.testing.assert_equal(measure(store), measure(labels))
        assert not list(tmp_path.iterdir())  # nothing is left of it, however the process ends
        path = write_labels(tmp_path, "a", store)
    np.testing.assert_array_equal(tifffile.imread(path), labels)
    with pytest.raises(ValueError, match="closed"):
        store[0:1]


def test_a_store_takes_rows_of_one_width(tmp_path: Path) -> None:
    with RowStore(tmp_path, 43) as store, pytest.raises(ValueError, match="44 columns for 43"):
        store.add(np.zeros((2, 44), np.int32))


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with RowStore(tmp_path, 4) as store:
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(SegkitError, match="cannot write here: No space left") as told:
            store.add(np.zeros((2, 4), np.int32))
    assert told.value.where == str(tmp_path)
