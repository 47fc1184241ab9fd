"""Decoding: every format users have, and every way a file breaks."""

import io
import pickle
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.imaging.pixels import decode, decode_picture, orientation, to_uint8
from tests.imaging.pictures import FLOAT, GREY, RGB, RGBA, Array, noise


def pillow(image: Image.Image | Array, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, kind, **options)
    return stream.getvalue()


def tiff(pixels: Array, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def png16(rgb: Array) -> bytes:
    bgr = rgb[..., [2, 1, 0, *range(3, rgb.shape[2])]]
    return bytes(cv2.imencode(".png", bgr)[1].tobytes())


RGB_OF_RGBA, FIVE = RGBA[..., :3], noise((5, 7, 9))
GREY16, RGB16 = noise((7, 9), np.uint16), noise((7, 9, 3), np.uint16)
LOSSLESS = {
    "png grey": (pillow(GREY, "PNG"), GREY),
    "png colour": (pillow(RGB, "PNG"), RGB),
    "png rgba": (pillow(RGBA, "PNG"), RGB_OF_RGBA),
    "png one bit": (pillow(GREY > 99, "PNG"), GREY > 99),
    "png 16 bit": (pillow(GREY16, "PNG"), GREY16),
    "png 16 bit colour": (png16(RGB16), RGB16),
    "bmp grey": (pillow(GREY, "BMP"), GREY),
    "bmp colour": (pillow(RGB, "BMP"), RGB),
    "tiff grey": (tiff(GREY), GREY),
    "tiff 16 bit": (tiff(GREY16), GREY16),
    "tiff 16 bit big-endian": (tiff(GREY16, byteorder=">"), GREY16),
    "tiff above 4 GB": (tiff(GREY16, bigtiff=True), GREY16),
    "tiff colour": (tiff(RGB, photometric="rgb"), RGB),
    "tiff rgba": (tiff(RGBA, photometric="rgb", extrasamples=["unassalpha"]), RGB_OF_RGBA),
    "tiff of four samples": (tiff(RGBA, photometric="rgb", extrasamples=["unspecified"]), RGBA),
    "tiff of five channels": (
        tiff(FIVE, photometric="minisblack", planarconfig="separate", metadata={"axes": "CYX"}),
        np.moveaxis(FIVE, 0, -1),
    ),
    "tiff lzw": (tiff(RGB, photometric="rgb", compression="lzw"), RGB),
    "tiff lzw, predictor": (tiff(GREY16, compression="lzw", predictor=True), GREY16),
    "tiff deflate by Pillow": (pillow(RGB, "TIFF", compression="tiff_deflate"), RGB),
    "tiff float": (tiff(FLOAT), FLOAT),
    "tiff strips": (tiff(GREY, rowsperstrip=2), GREY),
    "tiff planes": (
        tiff(np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate"),
        RGB,
    ),
    "tiff channels by ImageJ": (
        tiff(np.moveaxis(RGB16, -1, 0), imagej=True, metadata={"axes": "CYX"}),
        RGB16,
    ),
    "tiff one row": (tiff(RGB[:1], photometric="rgb"), RGB[:1]),
    "tiff one column": (tiff(GREY[:, :1]), GREY[:, :1]),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_back_every_pixel(name: str) -> None:
    data, expected = LOSSLESS[name]
    decoded = decode(data, name)
    assert decoded.dtype == expected.dtype
    np.testing.assert_array_equal(decoded, expected)


def test_jpeg_is_near_what_was_stored() -> None:
    smooth = np.add.outer(np.arange(32), np.arange(32)).astype(np.uint8)
    decoded = decode(pillow(smooth, "JPEG", quality=95), "a.jpg")
    assert decoded.shape == (32, 32)
    assert np.abs(decoded.astype(int) - smooth).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_palettes_give_colours_or_indices(kind: str) -> None:
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "L")
    picture = Image.frombytes("P", (2, 2), picture.tobytes())
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 200, 0])
    data = pillow(picture, kind)
    np.testing.assert_array_equal(decode(data, "a", indexed=True), [[0, 1], [2, 1]])
    red, green, black = [255, 0, 0], [0, 200, 0], [0, 0, 0]
    np.testing.assert_array_equal(decode(data, "a"), [[black, red], [green, red]])


def test_a_palette_with_transparency_has_alpha() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([9, 8, 7])
    decoded = decode_picture(pillow(picture, "PNG", transparency=0), "a.png")
    np.testing.assert_array_equal(decoded.pixels, [[[9, 8, 7], [9, 8, 7]]])
    np.testing.assert_array_equal(decoded.alpha, [[0, 0]])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_apart_where_the_file_says_so(bits: int, channels: int) -> None:
    pixels = noise((7, 9, channels), np.uint8 if bits == 8 else np.uint16)
    tags = {"photometric": "rgb" if channels == 4 else "minisblack", "planarconfig": "contig"}
    for said, alpha in (("unassalpha", True), ("assocalpha", True), ("unspecified", False)):
        found = decode_picture(tiff(pixels, extrasamples=[said], **tags), "a.tif")
        colours = pixels[..., :-1] if alpha else pixels
        np.testing.assert_array_equal(np.atleast_3d(found.pixels), colours)
        assert (found.alpha is None) is not alpha
        if alpha:
            np.testing.assert_array_equal(found.alpha, pixels[..., -1])


def test_alpha_of_a_deep_png() -> None:
    deep = noise((7, 9, 4), np.uint16)
    found = decode_picture(png16(deep), "a.png")
    np.testing.assert_array_equal(found.pixels, deep[..., :3])
    np.testing.assert_array_equal(found.alpha, deep[..., 3])


@pytest.mark.parametrize("name", [n for n in LOSSLESS if not n.startswith("tiff one")])
def test_a_file_cut_in_half_is_refused(name: str) -> None:
    data, _ = LOSSLESS[name]
    with pytest.raises(SegkitError, match="cannot be read") as caught:
        decode(data[: len(data) // 2], "patient7.tif")
    assert caught.value.where == "patient7.tif"


@pytest.mark.parametrize("writer", ["tifffile", "pillow"])
def test_no_cut_of_a_jpeg_in_tiff_gives_other_pixels(writer: str) -> None:
    image = noise((64, 64, 3))
    data = tiff(image, photometric="rgb", compression="jpeg")
    if writer == "pillow":
        data = pillow(image, "TIFF", compression="jpeg")
    whole = decode(data, "a.tif")
    for cut in range(1, len(data), len(data) // 40):
        try:
            decoded = decode(data[:-cut], "a.tif")
        except SegkitError:
            continue
        np.testing.assert_array_equal(decoded, whole)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "zero bytes"),
        (b"patient,age\n7,61\n", "its content is not BMP, "),
        (bytes(noise((300,))), "its content is not BMP, "),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 9, "cannot be read"),
        (b"II*\x00" + b"x" * 60, "without a page"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(SegkitError, match=reason) as caught:
        decode(data, "scan.png")
    assert caught.value.where == "scan.png"
    # Predicting has no such key: whoever reads a data set adds it.
    assert pickle.loads(pickle.dumps(caught.value)).remedy == "replace the file"


def test_a_stack_is_refused_with_its_shape() -> None:
    with pytest.raises(SegkitError, match=r"pages that do not say what they are \(6×7×9"):
        decode(tiff(noise((6, 7, 9)), photometric="minisblack"), "stack.tif")


def turned(kind: str, value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return pillow(Image.fromarray(RGB), kind, exif=exif)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_tag_that_turns_is_read_and_not_applied(kind: str) -> None:
    for value in range(1, 9):
        data = turned(kind, value)
        assert orientation(data) == value
        assert decode(data, "a").shape == RGB.shape
    assert orientation(pillow(RGB, kind)) == 1
    assert orientation(turned(kind, 99)) == 1
    assert orientation(turned(kind, 6)[:40]) == 1


@pytest.mark.parametrize("kind", ["WEBP", "EPS", "PPM"])
def test_other_formats_are_refused_whatever_they_are_called(kind: str) -> None:
    with pytest.raises(SegkitError, match="its content is not BMP, "):
        decode(pillow(RGB, kind), "a.png")


def test_what_has_no_pixels_or_no_real_ones() -> None:
    with pytest.raises(SegkitError, match="without pixels"):
        to_uint8(np.zeros((0, 9), np.uint16), "a")
    with pytest.raises(SegkitError, match="its pixels are complex64"):
        decode(tiff(GREY.astype(np.complex64)), "a.tif")


@pytest.mark.parametrize("rgb", [RGB16, noise((7, 9, 3))])
def test_a_colour_that_is_said_to_be_transparent_makes_no_channel(rgb: Array) -> None:
    data = png16(rgb) if rgb.dtype == np.uint16 else pillow(rgb, "PNG")
    colour = struct.pack(">HHH", *rgb[0, 0].tolist())
    chunk = b"tRNS" + colour
    before = data.index(b"IDAT") - 4
    told = struct.pack(">I", 6) + chunk + struct.pack(">I", zlib.crc32(chunk))
    found = decode_picture(data[:before] + told + data[before:], "a.png")
    np.testing.assert_array_equal(found.pixels, rgb)
    assert found.alpha is None
