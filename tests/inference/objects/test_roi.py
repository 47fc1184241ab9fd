"""ROI zips read back with roifile, as ImageJ reads them."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from roifile import ROI_TYPE, ImagejRoi, roiread

from segkit.core.errors import SegkitError
from segkit.inference.objects.roi import write_rois
from tests.inference.objects.phantoms import PHANTOMS, Labels, fill, holes, touching


def read(path: Path) -> list[ImagejRoi]:
    found = roiread(path)
    assert isinstance(found, list)
    return found


def labels_of(path: Path, shape: tuple[int, int]) -> Labels:
    labels = np.zeros(shape, np.int32)
    for roi in read(path):
        rings = roi.coordinates(multi=True)
        # A composite's rings are closed: the last corner is the first.
        mask = fill([ring[:-1] if roi.composite else ring for ring in rings], shape)
        assert not labels[mask].any()
        labels[mask] = int(roi.name)
    return labels


@pytest.mark.parametrize("phantom", PHANTOMS)
def test_masks_to_rois_to_masks(phantom: Callable[[], Labels], tmp_path: Path) -> None:
    labels = phantom()
    write_rois(tmp_path / "a.zip", labels)
    np.testing.assert_array_equal(labels_of(tmp_path / "a.zip", labels.shape), labels)
    for roi in read(tmp_path / "a.zip"):
        rows, columns = np.nonzero(labels == int(roi.name))
        assert (roi.top, roi.left) == (rows.min(), columns.min())
        assert (roi.bottom, roi.right) == (rows.max() + 1, columns.max() + 1)


def test_a_rectangle_is_traced_along_its_pixels(tmp_path: Path) -> None:
    labels = np.zeros((20, 30), np.int32)
    labels[4:9, 6:13] = 8
    write_rois(tmp_path / "a.zip", labels)
    (roi,) = read(tmp_path / "a.zip")
    assert (roi.name, roi.roitype, roi.composite) == ("00008", ROI_TYPE.TRACED, False)
    coordinates = roi.coordinates()
    assert not isinstance(coordinates, list)
    assert coordinates.tolist() == [[6, 4], [13, 4], [13, 9], [6, 9]]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["00008.roi"]


def test_holes_and_parts_are_composites(tmp_path: Path) -> None:
    write_rois(tmp_path / "a.zip", holes())
    whole, inner = read(tmp_path / "a.zip")
    assert (whole.name, whole.composite, len(whole.coordinates(multi=True))) == ("00005", True, 5)
    assert (inner.name, inner.composite) == ("00009", False)


def test_nothing_of_an_earlier_zip_stays(tmp_path: Path) -> None:
    write_rois(tmp_path / "a.zip", holes())
    write_rois(tmp_path / "a.zip", touching())
    first = (tmp_path / "a.zip").read_bytes()
    assert [roi.name for roi in read(tmp_path / "a.zip")] == ["00001", "00002", "00003"]
    write_rois(tmp_path / "a.zip", touching())
    assert (tmp_path / "a.zip").read_bytes() == first


@pytest.mark.parametrize("column", [32_766, 40_000, 59_990, 59_998, 70_000])
@pytest.mark.parametrize("tall", [False, True])
def test_far_from_the_corner(column: int, tall: bool, tmp_path: Path) -> None:
    """Beyond what 16 bits hold, signed and unsigned."""
    labels = np.zeros((10, column + 10), np.int32)
    labels[4:7, column : column + 4] = 1
    labels = np.ascontiguousarray(labels.T) if tall else labels
    write_rois(tmp_path / "a.zip", labels)
    np.testing.assert_array_equal(labels_of(tmp_path / "a.zip", labels.shape), labels)


def test_more_corners_than_16_bits_count(tmp_path: Path) -> None:
    """A comb, whose one ring has four corners a tooth."""
    labels = np.zeros((3, 40_000), np.int32)
    labels[0], labels[1, ::2] = 1, 1
    write_rois(tmp_path / "a.zip", labels)
    (roi,) = read(tmp_path / "a.zip")
    (ring,) = roi.coordinates(multi=True)
    np.testing.assert_array_equal(fill([ring[:-1]], labels.shape), labels > 0)


def test_without_roifile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sys.modules["importlib.util"].find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "roifile" else real(name)
    )
    with pytest.raises(SegkitError, match="not installed: roifile") as told:
        write_rois(tmp_path / "a.zip", holes())
    assert told.value.remedy == "pip install 'segkit[rois]'"
    assert not list(tmp_path.iterdir())
