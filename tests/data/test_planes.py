"""Data sets of channels, stacks and time series: as TIFFs say, or as the settings do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from segkit.config.values import DATA, PREDICT
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from tests.data.mask_files import SIDE, bars, png, read, reader_of, typed

Array = np.ndarray[Any, Any]
PAGES = {"photometric": "minisblack"}
IMAGE = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE)).astype(np.uint8)
MASK = np.stack([bars(0, *(n == k for n in range(4))) for k in range(5)])


def opened(root: Path, *given: str) -> Reader:
    return reader_of(root, "dataset.intensity=stored", *given)


def data_set(root: Path, image: Array, mask: Array, **options: Any) -> Path:
    for kind, pixels in (("images", image), ("masks", mask)):
        (root / kind).mkdir()
        if pixels.ndim == 2:
            (root / kind / "a.png").write_bytes(png(pixels))
        else:
            tifffile.imwrite(root / kind / "a.tif", pixels, **(PAGES | options))
    return root


def image_of(reader: Reader) -> Array:
    return reader.read(reader.listing().records[0]).image


def refused(reader: Reader) -> SegkitError:
    with pytest.raises(SegkitError) as caught:
        image_of(reader)
    assert caught.value.where.endswith("a.tif")
    return caught.value


def test_pages_are_what_the_settings_say(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK[0])
    error = refused(opened(root))
    assert "pages that do not say what they are (5×48×48, axes QYX)" in error.what
    (channels,), (stack,), (times,) = typed(error.remedy)
    reader = opened(root, channels)
    np.testing.assert_array_equal(image_of(reader), np.moveaxis(IMAGE, 0, -1))
    assert reader.channels() == 5
    for axes in (stack, times):
        (highest,), (mean,), (one,), (slices,) = typed(refused(opened(root, axes)).remedy)
        assert slices == "dataset.z=slices"
        for z, right in (
            (highest, IMAGE.max(0)),
            (mean, np.rint(IMAGE.mean(0, dtype=np.float64))),
            (one, IMAGE[2]),
        ):
            np.testing.assert_array_equal(image_of(opened(root, axes, z)), right)


def test_a_mask_of_planes_gives_the_plane_of_its_image(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK, metadata={"axes": "ZYX"})
    for number in (0, 4):
        reader = opened(root, f"dataset.z={number}")
        np.testing.assert_array_equal(image_of(reader), IMAGE[number])
        np.testing.assert_array_equal(read(reader), MASK[[number]])
    for z in ("max", "mean"):
        error = refused(opened(root, f"dataset.z={z}"))
        assert "masks/a.tif" in error.where
        assert error.what.startswith("a mask that is a stack of planes (5×")
        ways = typed(error.remedy)
        assert ways == [["dataset.z=slices"], ["dataset.z=0"]], "not what has just been tried"
        for (way,), right in zip(ways, (MASK, MASK[:1]), strict=True):
            np.testing.assert_array_equal(read(opened(root, way)), right)
    error = refused(opened(root, "dataset.z=5"))
    assert "the last of which is 4, counted from 0" in error.what


@pytest.mark.parametrize("axes", ["CYX", "YXC", "YCX"])
def test_channels_where_the_file_says_so(axes: str, tmp_path: Path) -> None:
    order = ["CYX".index(axis) for axis in axes]
    root = data_set(tmp_path, IMAGE.transpose(order), MASK[0], metadata={"axes": axes})
    np.testing.assert_array_equal(image_of(opened(root)), np.moveaxis(IMAGE, 0, -1))


def test_settings_are_of_files_of_as_many_axes(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK[0], metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(
        image_of(opened(root, "dataset.axes=CYX")), np.moveaxis(IMAGE, 0, -1)
    )
    colour = np.moveaxis(IMAGE[:3], 0, -1)
    tifffile.imwrite(root / "images" / "a.tif", colour, photometric="rgb")
    for axes in ("CYX", "ZYX", "ZCYX"):
        np.testing.assert_array_equal(image_of(opened(root, f"dataset.axes={axes}")), colour)


def test_other_pixels_are_other_parameters(tmp_path: Path) -> None:
    root = data_set(tmp_path, IMAGE, MASK[0])
    settings = [(), ("dataset.axes=CYX",), ("dataset.axes=ZYX", "dataset.z=0")]
    found = [opened(root, *given).parameters() for given in settings]
    assert len({str(each) for each in found}) == 3
    assert "planes" not in found[0], "caches of earlier versions are still good"


@pytest.mark.parametrize("given", ["dataset.axes=CZ", "dataset.axes=YXX", "dataset.axes=cyx"])
def test_axes_that_are_none(given: str) -> None:
    key, value = given.split("=")
    with pytest.raises(SegkitError, match="are not axes"):
        DATA[key].check(key, value)


@pytest.mark.parametrize("value", [-1, True, "first", 1.5])
def test_planes_that_are_none(value: object) -> None:
    for rules, key in ((DATA, "dataset.z"), (PREDICT, "z")):
        with pytest.raises(SegkitError, match="no choice among the planes"):
            rules[key].check(key, value)
        for good in (None, "max", "mean", 0, 7):
            rules[key].check(key, good)


@pytest.mark.parametrize("given", [["dataset.z=2"], ["dataset.z=2", "dataset.axes=TYX"]])
def test_advice_on_masks_is_of_the_plane_that_is_read(given: list[str], tmp_path: Path) -> None:
    reader = opened(data_set(tmp_path, IMAGE, 77 * MASK, metadata={"axes": "ZYX"}), *given)
    with pytest.raises(SegkitError, match="hold the values 0, 77;") as caught:
        image_of(reader)
    assert "dataset.mask_values={0: 0, 77: 1}" in caught.value.remedy
