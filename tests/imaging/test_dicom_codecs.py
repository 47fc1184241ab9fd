"""Compressed DICOM: what a codec wrote comes back, and no frame is larger than its tags say."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.pixels import get_decoder
from pydicom.pixels.encoders import RLELosslessEncoder

from segkit.core.errors import SegkitError
from segkit.imaging.pixels import decode
from tests.imaging.dicom_files import Array, dicom, ramp

SHIPPED = Path(pydicom.__file__).parent / "data/test_files"
RGB = np.random.default_rng(5).integers(0, 256, (16, 16, 3)).astype(np.uint8)
SMOOTH = np.stack([ramp(0, 255, "uint8"), ramp(255, 0, "uint8"), ramp(90, 91, "uint8")], axis=-1)


def _rle(pixels: Array) -> bytes:
    rows, columns, *samples = pixels.shape
    packed: bytes = RLELosslessEncoder.encode(
        pixels.tobytes(),
        rows=rows,
        columns=columns,
        samples_per_pixel=samples[0] if samples else 1,
        bits_allocated=8 * pixels.dtype.itemsize,
        bits_stored=8 * pixels.dtype.itemsize,
        pixel_representation=0,
        photometric_interpretation="RGB" if samples else "MONOCHROME2",
        number_of_frames=1,
        planar_configuration=0,
        encoding_plugin="pydicom",
    )
    return packed


GREY = {"8 bits": ramp(0, 255, "uint8"), "12 bits": ramp(0, 4095), "16 bits": ramp(0, 65535)}
CODECS: dict[str, tuple[str, Any]] = {
    "lossless JPEG": (uid.JPEGLosslessSV1, imagecodecs.ljpeg_encode),
    "JPEG-LS": (uid.JPEGLSLossless, imagecodecs.jpegls_encode),
    "JPEG 2000": (
        uid.JPEG2000Lossless,
        lambda a: imagecodecs.jpeg2k_encode(a, level=0, codecformat="j2k", mct=False),
    ),
    "HTJ2K": (uid.HTJ2KLossless, imagecodecs.htj2k_encode),
    "RLE": (uid.RLELossless, _rle),
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("depth", GREY)
def test_grey_without_loss(codec: str, depth: str) -> None:
    syntax, encode = CODECS[codec]
    pixels = GREY[depth]
    bits = {"8 bits": 8, "12 bits": 12, "16 bits": 16}[depth]
    data = dicom(pixels, syntax=syntax, packed=encode(pixels), BitsStored=bits)
    np.testing.assert_array_equal(decode(data, depth), pixels)


@pytest.mark.parametrize("codec", [name for name in CODECS if name != "lossless JPEG"])
def test_colours_without_loss(codec: str) -> None:
    syntax, encode = CODECS[codec]
    np.testing.assert_array_equal(decode(dicom(RGB, syntax=syntax, packed=encode(RGB)), ""), RGB)


def test_jpeg() -> None:
    grey = imagecodecs.jpeg8_encode(GREY["8 bits"], level=100)
    shown = decode(dicom(GREY["8 bits"], syntax=uid.JPEGBaseline8Bit, packed=grey), "")
    assert np.abs(shown.astype(int) - GREY["8 bits"]).max() <= 2
    packed = imagecodecs.jpeg8_encode(SMOOTH, level=100, subsampling="444")
    tags = {"PhotometricInterpretation": "YBR_FULL"}
    shown = decode(dicom(SMOOTH, syntax=uid.JPEGBaseline8Bit, packed=packed, **tags), "")
    assert np.abs(shown.astype(int) - SMOOTH).max() <= 6


def test_jpeg_of_twelve_bits() -> None:
    packed = imagecodecs.jpeg8_encode(GREY["12 bits"], level=100, bitspersample=12)
    data = dicom(GREY["12 bits"], syntax=uid.JPEGExtended12Bit, packed=packed, BitsStored=12)
    assert np.abs(decode(data, "").astype(int) - GREY["12 bits"]).max() <= 20


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_of_another_size_is_refused_before_it_is_decoded(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    syntax, encode = CODECS[codec]
    large = np.zeros((500, 400), np.uint8)
    packed = encode(large) + bytes(2000 if codec == "RLE" else 0)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(type(get_decoder(syntax)), "as_array", never)
    with pytest.raises(SegkitError, match="damaged or was cut off"):
        decode(dicom(ramp(0, 255, "uint8"), syntax=syntax, packed=packed), "a.dcm")


def test_a_syntax_that_nothing_unpacks_is_named_with_the_remedy() -> None:
    data = dicom(ramp(0, 255, "uint8"), syntax=uid.MPEG2MPML, packed=b"\0" * 64)
    with pytest.raises(SegkitError, match="compressed as MPEG2 Main Profile") as caught:
        decode(data, "film.dcm")
    assert "pip install pylibjpeg" in caught.value.remedy


# Files of other writers, which pydicom brings along: as its own decoders and arithmetic have them.
@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_padded.dcm", "MR_small.dcm"),
        ("SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd.dcm"),
        ("SC_rgb_rle.dcm", "SC_rgb_jpeg_gdcm.dcm"),
        ("liver_expb_1frame.dcm", "liver_1frame.dcm"),
        ("rtdose_rle_1frame.dcm", "rtdose_1frame.dcm"),
    ],
)
def test_twins_of_other_writers(name: str, twin: str) -> None:
    one, other = ((SHIPPED / each) for each in (name, twin))
    if not (one.is_file() and other.is_file()):
        pytest.skip("this pydicom brings other files")
    found = [decode(path.read_bytes(), path.name) for path in (one, other)]
    assert found[0].dtype == found[1].dtype
    assert np.abs(found[0].astype(int) - found[1].astype(int)).max() <= 1
