"""Files of many planes: their axes, and the one image that is made of them."""

import io
from typing import Any

import numpy as np
import pytest
import tifffile

from segkit.core.errors import SegkitError
from segkit.core.planes import PLAIN, Planes
from segkit.imaging.pixels import decode, decode_picture
from tests.imaging.pictures import noise

Array = np.ndarray[Any, Any]


def written(pixels: Array, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def imagej(pixels: Array, axes: str, **metadata: Any) -> bytes:
    return written(pixels, imagej=True, metadata={"axes": axes, **metadata})


def ome(pixels: Array, axes: str, **metadata: Any) -> bytes:
    return written(pixels, ome=True, photometric="minisblack", metadata={"axes": axes, **metadata})


@pytest.mark.parametrize("write", [imagej, ome])
@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_channels_of_imagej_and_ome(write: Any, count: int) -> None:
    pixels = noise((count, 6, 8))
    found = decode_picture(write(pixels, "CYX"), "a.tif")
    np.testing.assert_array_equal(found.pixels, np.moveaxis(pixels, 0, -1))
    assert found.alpha is None


def test_names_of_channels() -> None:
    pixels, names = noise((2, 6, 8), np.uint16), ["DAPI", "CD3 & CD4"]
    data = ome(pixels, "CYX", Channel={"Name": names})
    assert decode_picture(data, "a.tif").channels == tuple(names)
    assert decode_picture(imagej(pixels, "CYX", Labels=names), "a.tif").channels == tuple(names)
    for few in (names[:1], [], ["DAPI", "DAPI"]):
        assert decode_picture(imagej(pixels, "CYX", Labels=few), "a.tif").channels == ()


def test_a_stack_of_channels() -> None:
    pixels = noise((4, 3, 6, 8), np.uint16)
    for data in (imagej(pixels, "ZCYX"), ome(pixels, "ZCYX")):
        with pytest.raises(SegkitError, match=r"a stack of planes \(4×3×6×8, axes ZCYX\)"):
            decode(data, "a.tif")
        found = decode(data, "a.tif", planes=Planes(z="max"))
        np.testing.assert_array_equal(found, np.moveaxis(pixels.max(axis=0), 0, -1))
        found = decode(data, "a.tif", planes=Planes(z=3))
        np.testing.assert_array_equal(found, np.moveaxis(pixels[3], 0, -1))


def test_a_stack_over_time_is_refused() -> None:
    data = ome(noise((2, 4, 6, 8)), "TZYX")
    with pytest.raises(SegkitError, match="a time series and a stack of planes") as caught:
        decode(data, "a.tif", planes=Planes(z="max"))
    assert "a file for each" in caught.value.remedy


def test_the_mean_keeps_its_type() -> None:
    for kind in (np.uint8, np.uint16, np.float32):
        pixels = noise((3, 6, 8)).astype(kind)
        found = decode(ome(pixels, "ZYX"), "a.tif", planes=Planes(z="mean"))
        assert found.dtype == kind
        np.testing.assert_allclose(found, pixels.mean(axis=0), atol=0.5)


def test_pages_of_colour() -> None:
    pixels = noise((4, 6, 8, 3))
    data = written(pixels, photometric="rgb", metadata=None)
    with pytest.raises(SegkitError, match="do not say what they are") as caught:
        decode(data, "a.tif")
    assert "dataset.axes=ZYXC" in caught.value.remedy
    assert "CYX" not in caught.value.remedy.replace("ZYXC", "")
    found = decode(data, "a.tif", planes=Planes("ZYXC", 1))
    np.testing.assert_array_equal(found, pixels[1])


def test_planes_are_converted_before_the_brightest_is_taken() -> None:
    pixels = noise((3, 6, 8))
    data = written(pixels, photometric="miniswhite", metadata={"axes": "ZYX"})
    found = decode(data, "a.tif", planes=Planes(z="max"))
    np.testing.assert_array_equal(found, 255 - pixels.min(axis=0))


def test_pages_of_a_palette_and_with_alpha() -> None:
    table = np.random.default_rng(1).integers(0, 65536, (3, 256)).astype(np.uint16)
    pixels = noise((3, 6, 8))
    data = written(pixels, photometric="palette", colormap=table, metadata={"axes": "TYX"})
    found = decode(data, "a.tif", planes=Planes(z=2))
    np.testing.assert_array_equal(found, (table >> 8).T[pixels[2]])
    rgba = noise((3, 6, 8, 4))
    data = written(rgba, photometric="rgb", extrasamples=["unassalpha"], metadata={"axes": "ZYXS"})
    picture = decode_picture(data, "a.tif", planes=Planes(z=1))
    np.testing.assert_array_equal(picture.pixels, rgba[1, ..., :3])
    np.testing.assert_array_equal(picture.alpha, rgba[1, ..., 3])


def test_rows_that_were_taken_for_pages() -> None:
    """What tifffile makes of an array of 5 channels, if nothing is said of them."""
    pixels = noise((6, 8, 5))
    data = written(pixels, photometric="minisblack")
    with pytest.raises(SegkitError, match="6×8×5"):
        decode(data, "a.tif")
    np.testing.assert_array_equal(decode(data, "a.tif", planes=Planes("YXC")), pixels)


def test_several_images_in_one_file_are_refused() -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for kind in (np.uint8, np.uint16):
            writer.write(noise((6, 8)).astype(kind), metadata=None)
    with pytest.raises(SegkitError, match="2 images of one size"):
        decode(stream.getvalue(), "a.tif")


def test_planes_that_are_missing() -> None:
    pixels = noise((3, 60, 80))
    for data in (imagej(pixels, "CYX"), ome(pixels, "CYX"), written(pixels, photometric="rgb")):
        with pytest.raises(SegkitError):
            decode(data[: len(data) - 9000], "a.tif", planes=PLAIN)
