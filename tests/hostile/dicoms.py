"""DICOM files: in order, damaged, and larger than they look."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
from pydicom import uid

from tests.hostile.cases import Case, file, spoilt
from tests.hostile.samples import noise
from tests.imaging.dicom_files import dicom, element, frames, placed

_WINDOW = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400}


def samples() -> dict[str, bytes]:
    """One file of each kind; 24 by 20 pixels."""
    grey, rgb, deep = noise(20, 24), noise(20, 24, 3), noise(20, 24, kind="uint16")
    palette: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    segments = {**palette}
    for name in ("Red", "Green", "Blue"):
        table = f"{name}PaletteColorLookupTable"
        palette[f"{table}Descriptor"] = [256, 0, 8]
        palette[f"{table}Data"] = bytes(range(256))
        segments[f"{table}Descriptor"] = [256, 0, 16]
        segments[f"Segmented{table}Data"] = np.array([0, 1, 0, 1, 255, 65535], "<u2").tobytes()
    curve = element(LUTDescriptor=[256, 0, 8], LUTData=list(range(256)))
    curve["LUTDescriptor"].VR = curve["LUTData"].VR = "US"
    twelve = deep >> 4
    return {
        "grey.dcm": dicom(grey),
        "ct.dcm": dicom(twelve, BitsStored=12, **_WINDOW),
        "negative.dcm": dicom(twelve, BitsStored=12, PhotometricInterpretation="MONOCHROME1"),
        "implicit.dcm": dicom(deep, syntax=uid.ImplicitVRLittleEndian, **_WINDOW),
        "big.dcm": dicom(deep, syntax=uid.ExplicitVRBigEndian, **_WINDOW),
        "deflated.dcm": dicom(deep, syntax=uid.DeflatedExplicitVRLittleEndian, **_WINDOW),
        "table.dcm": dicom(grey, VOILUTSequence=[curve]),
        "modality.dcm": dicom(grey, ModalityLUTSequence=[curve], PixelPaddingValue=0),
        "colour.dcm": dicom(rgb),
        "ybr.dcm": dicom(rgb, PhotometricInterpretation="YBR_FULL"),
        "palette.dcm": dicom(grey, **palette),
        "segments.dcm": dicom(grey, **segments),
        "report.dcm": dicom(None, storage="1.2.840.10008.5.1.4.1.1.88.11"),
        "old.dcm": dicom(grey)[132:],
    } | _compressed()


def _compressed() -> dict[str, bytes]:
    grey, rgb, deep = noise(20, 24), noise(20, 24, 3), noise(20, 24, kind="uint16")
    ybr = {"PhotometricInterpretation": "YBR_FULL"}
    rct = {"PhotometricInterpretation": "YBR_RCT"}
    codecs = imagecodecs
    return {
        "jpeg.dcm": dicom(grey, syntax=uid.JPEGBaseline8Bit, packed=codecs.jpeg8_encode(grey)),
        "rgb.dcm": dicom(rgb, syntax=uid.JPEGBaseline8Bit, packed=codecs.jpeg8_encode(rgb), **ybr),
        "sof3.dcm": dicom(deep, syntax=uid.JPEGLosslessSV1, packed=codecs.ljpeg_encode(deep)),
        "jls.dcm": dicom(deep, syntax=uid.JPEGLSLossless, packed=codecs.jpegls_encode(deep)),
        "j2k.dcm": dicom(
            rgb,
            syntax=uid.JPEG2000Lossless,
            packed=codecs.jpeg2k_encode(rgb, level=0, codecformat="j2k"),
            **rct,
        ),
        "htj2k.dcm": dicom(deep, syntax=uid.HTJ2KLossless, packed=codecs.htj2k_encode(deep)),
        "rle.dcm": dicom(grey, syntax=uid.RLELossless, packed=_rle(480)),
    }


def _rle(size: int, run: int = 128) -> bytes:
    """One segment of runs of zeros."""
    runs = bytes([257 - run, 0]) * (size // run) + bytes([(257 - size % run) % 256, 0]) * (
        size % run > 1
    )
    return struct.pack("<16I", 1, 64, *[0] * 14) + runs


def dicoms(seed: int = 0, count: int = 420) -> Iterator[Case]:
    """Damaged files of every kind, ``count`` in all."""
    several = samples()
    for number, (name, data) in enumerate(several.items()):
        each = count // len(several) + (number < count % len(several))
        for what, damaged in spoilt(name, data, each, seed * 1000 + number):
            yield file(what, "image", damaged, name)
        # Half of a file are a hundred elements: of the pixels others are spoilt.
        body = len(data) * 2 // 3
        for what, damaged in spoilt(name, data[body:], each // 3, seed * 1000 + number):
            yield file(f"behind, {what}", "image", data[:body] + damaged, name)


def framed(seed: int = 0, count: int = 100) -> Iterator[Case]:
    """The same of files of several frames, each of which is an image; first as they should be."""
    deep = noise(5, 20, 24, kind="uint16")
    samples = {
        "frames.dcm": frames(deep, **_WINDOW),
        "enhanced.dcm": frames(deep, **placed(5)),
        "deflated.dcm": frames(deep, syntax=uid.DeflatedExplicitVRLittleEndian),
    }
    for number, (name, data) in enumerate(samples.items()):
        yield file(name, "frames", data, name)
        body = len(data) - 4000 if name != "deflated.dcm" else len(data) // 4
        each = spoilt(name, data[:body], count // len(samples), seed * 1000 + number)
        for what, damaged in each:
            yield file(f"{what}, pixels kept", "frames", damaged + data[body:], name)
        yield file(f"{name}, cut", "frames", data[: len(data) // 2], name)


def dicom_bombs() -> Iterator[Case]:
    """Small files that claim, or unpack to, more than a machine holds."""
    grey = noise(20, 24)
    large = np.zeros((5000, 5000), np.uint8)
    huge = {"Rows": 65_000, "Columns": 65_000}
    # Functional groups in functional groups, of no end.
    nested = b"\x00\x52\x29\x92SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 50_000
    plain = dicom(grey)
    table: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        table[f"{name}PaletteColorLookupTableDescriptor"] = [0, 0, 16]
        table[f"Segmented{name}PaletteColorLookupTableData"] = np.array(
            [0, 1, 0, *[1, 65535, 7] * 10_000], "<u2"
        ).tobytes()
    deflated = dicom(grey, syntax=uid.DeflatedExplicitVRLittleEndian)
    head = deflated[: 132 + 12 + int.from_bytes(deflated[140:144], "little")]
    squeeze = zlib.compressobj(9, wbits=-15)
    zeros = b"".join([*(squeeze.compress(bytes(2**24)) for _ in range(4)), squeeze.flush()])
    found = {
        "rows": dicom(grey, **huge),
        "frames": dicom(grey, NumberOfFrames=2**31 - 1),
        "samples": dicom(grey, SamplesPerPixel=65_535),
        "rows in jpeg": dicom(
            grey, syntax=uid.JPEGBaseline8Bit, packed=imagecodecs.jpeg8_encode(large)
        ),
        "rows in j2k": dicom(
            grey, syntax=uid.JPEG2000Lossless, packed=imagecodecs.jpeg2k_encode(large, level=0)
        ),
        "rows in jls": dicom(
            grey, syntax=uid.JPEGLSLossless, packed=imagecodecs.jpegls_encode(large)
        ),
        "rows in sof3": dicom(
            grey, syntax=uid.JPEGLosslessSV1, packed=imagecodecs.ljpeg_encode(large)
        ),
        "huge jpeg": dicom(
            grey,
            syntax=uid.JPEGBaseline8Bit,
            packed=imagecodecs.jpeg8_encode(large),
            **huge,
        ),
        "rle": dicom(grey, syntax=uid.RLELossless, packed=_rle(2**28)),
        "deflated": head + zeros,
        "segments": dicom(grey, **table),
        "nested": plain.replace(b"\xe0\x7f\x10\x00", nested + b"\xe0\x7f\x10\x00"),
    }
    for name, data in found.items():
        for kind in ("image", "frames"):
            yield file(f"{name}.dcm, {kind}", kind, data, f"{name}.dcm")
    for count in (2**31 - 1, 10**6):
        many = frames(noise(2, 2, 2), NumberOfFrames=count)
        yield file(f"{count} frames", "frames", many, "small.dcm")
