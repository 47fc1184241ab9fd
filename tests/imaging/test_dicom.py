"""What a DICOM file's tags make of its values, against arithmetic written here."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from segkit.core.errors import SegkitError
from segkit.core.limits import limited_to
from segkit.core.planes import Planes
from segkit.imaging.pixels import decode, decode_picture
from tests.imaging.dicom_files import Array, dicom, element, ramp

CT = ramp(0, 4095)
HOUNSFIELD = CT.astype(int) - 1024


def _each(function: Callable[[float], float], values: Array) -> Array:
    return np.array([function(float(v)) for v in values.ravel()]).reshape(values.shape)


def _linear(centre: float, width: float) -> Callable[[float], float]:
    """PS3.3 C.11.2.1.2.1, output from 0 to 255."""

    def shown(x: float) -> float:
        if x <= centre - 0.5 - (width - 1) / 2:
            return 0
        if x > centre - 0.5 + (width - 1) / 2:
            return 255
        return ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255

    return shown


def _exact(centre: float, width: float) -> Callable[[float], float]:
    """PS3.3 C.11.2.1.3.2."""

    def shown(x: float) -> float:
        if x <= centre - width / 2:
            return 0
        return 255 if x > centre + width / 2 else ((x - centre) / width + 0.5) * 255

    return shown


def _sigmoid(centre: float, width: float) -> Callable[[float], float]:
    """PS3.3 C.11.2.1.3.1."""
    return lambda x: 255 / (1 + math.exp(-4 * (x - centre) / width))


LINE = {"RescaleSlope": 1, "RescaleIntercept": -1024}
SOFT = {"WindowCenter": 40, "WindowWidth": 400}
WINDOWS: dict[str, tuple[dict[str, Any], Array, Callable[[float], float]]] = {
    "linear": (LINE | SOFT, HOUNSFIELD, _linear(40, 400)),
    "first of several": (
        LINE | {"WindowCenter": [40, -600], "WindowWidth": [400, 1500]},
        HOUNSFIELD,
        _linear(40, 400),
    ),
    "width of one": (LINE | SOFT | {"WindowWidth": 1}, HOUNSFIELD, _linear(40, 1 + 1e-9)),
    "exact": (LINE | SOFT | {"VOILUTFunction": "LINEAR_EXACT"}, HOUNSFIELD, _exact(40, 400)),
    "sigmoid": (LINE | SOFT | {"VOILUTFunction": "SIGMOID"}, HOUNSFIELD, _sigmoid(40, 400)),
    "no line": ({"WindowCenter": 2000, "WindowWidth": 1000}, CT, _linear(2000, 1000)),
    "negative slope": (
        {"RescaleSlope": -10, "RescaleIntercept": 5} | SOFT,
        5 - 10 * CT.astype(int),
        _linear(40, 400),
    ),
    "fractions": (
        {"RescaleSlope": 0.25, "RescaleIntercept": 0.5} | SOFT,
        CT * 0.25 + 0.5,
        _linear(40, 400),
    ),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_is_applied_to_what_the_modality_makes_of_values(name: str) -> None:
    tags, values, window = WINDOWS[name]
    picture = decode_picture(dicom(CT, BitsStored=12, **tags), name)
    assert picture.pixels.dtype == np.uint8
    np.testing.assert_array_equal(picture.pixels, np.rint(_each(window, values)))
    assert picture.measured is not None
    np.testing.assert_allclose(picture.measured, values)
    np.testing.assert_allclose(
        decode(dicom(CT, BitsStored=12, **tags), name, measured=True), values
    )


@pytest.mark.parametrize("name", WINDOWS)
def test_monochrome1_is_monochrome2_with_light_and_dark_changed(name: str) -> None:
    tags, values, window = WINDOWS[name]
    light = dicom(CT, BitsStored=12, PhotometricInterpretation="MONOCHROME1", **tags)
    shown = decode(light, name)
    np.testing.assert_array_equal(shown, np.rint(255 - _each(window, values)))
    assert np.abs(shown.astype(int) + decode(dicom(CT, BitsStored=12, **tags), name)).max() <= 256


@pytest.mark.parametrize(
    ("stored", "tags", "right"),
    [
        (ramp(0, 255, "uint8"), {}, ramp(0, 255, "uint8")),
        (ramp(0, 255), {"BitsStored": 8}, ramp(0, 255, "uint8")),
        (ramp(0, 15), {"BitsStored": 4}, ramp(0, 15, "uint8") * 17),
        (ramp(0, 1, "uint8"), {"BitsStored": 1}, ramp(0, 1, "uint8") * 255),
        (CT, {"BitsStored": 12}, CT),
        (ramp(-900, 900, "int16"), {}, ramp(-900, 900, "int16")),
        # Above the bits that are stored others may be anything.
        (ramp(0, 4095) | 0x5000, {"BitsStored": 12}, CT),
        (ramp(-900, 900, "int16") & 0x0FFF, {"BitsStored": 12}, ramp(-900, 900, "int16")),
        (CT, {"BitsStored": 12, **LINE}, HOUNSFIELD.astype("int16")),
        (CT, {"BitsStored": 12, "RescaleSlope": 2.0, "RescaleIntercept": 0}, CT * 2),
        # A width of 0 is none.
        (CT, {"BitsStored": 12, "WindowCenter": 40, "WindowWidth": 0}, CT),
        (CT, {"BitsStored": 12, "WindowCenter": "", "WindowWidth": ""}, CT),
    ],
)
def test_values_without_a_window_are_kept(
    stored: Array, tags: dict[str, Any], right: Array
) -> None:
    pixels = decode(dicom(stored, **tags), "a.dcm")
    assert pixels.dtype == right.dtype
    np.testing.assert_array_equal(pixels, right)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_plain_syntax_reads_alike(syntax: str) -> None:
    for stored in (CT, ramp(-9000, 9000, "int16"), ramp(0, 255, "uint8")):
        pixels = decode(dicom(stored, syntax=syntax), "a.dcm")
        assert pixels.dtype == stored.dtype
        np.testing.assert_array_equal(pixels, stored)


def test_monochrome1_without_a_window_is_mirrored_within_its_bits() -> None:
    light = {"PhotometricInterpretation": "MONOCHROME1"}
    np.testing.assert_array_equal(decode(dicom(CT, BitsStored=12, **light), ""), 4095 - CT)
    small = ramp(0, 255, "uint8")
    np.testing.assert_array_equal(decode(dicom(small, **light), ""), 255 - small)
    signed = ramp(-128, 127, "int8")
    np.testing.assert_array_equal(decode(dicom(signed, **light), ""), -1 - signed.astype(int))


def _table(values: Array, start: int, bits: int, kind: str = "US") -> Any:
    item = element(LUTDescriptor=[len(values), start, bits], LUTData=values.tolist())
    item["LUTDescriptor"].VR, item["LUTData"].VR = kind, "US"
    return [item]


def test_tables_of_modality_and_of_interest() -> None:
    curve = (np.linspace(0, 1, 1000) ** 2 * 1023).round().astype(int)
    low, high = np.clip(CT.astype(int) - 500, 0, 999), 1023
    modality = {"ModalityLUTSequence": _table(curve, 500, 10)}
    np.testing.assert_array_equal(decode(dicom(CT, BitsStored=12, **modality), ""), curve[low])
    interest = {"VOILUTSequence": _table(curve, 500, 10), **SOFT}
    shown = decode(dicom(CT, BitsStored=12, **interest), "")
    np.testing.assert_array_equal(shown, np.rint(curve[low] * 255 / high))
    places = np.clip(HOUNSFIELD + 300, 0, 999)
    interest = {"VOILUTSequence": _table(curve, -300, 10, "SS"), **LINE}
    shown = decode(dicom(CT, BitsStored=12, **interest), "")
    np.testing.assert_array_equal(shown, np.rint(curve[places] * 255 / high))


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_table_of_bytes(syntax: str | None) -> None:
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    curve = (np.linspace(0, 1, 4096) ** 2 * 1023).round().astype(int)
    item = element(LUTDescriptor=[4096, 0, 10], LUTData=curve.astype(order).tobytes())
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    given = {} if syntax is None else {"syntax": syntax}
    shown = decode(dicom(CT, BitsStored=12, VOILUTSequence=[item], **given), "")
    np.testing.assert_array_equal(shown, np.rint(curve[CT] * 255 / 1023))


def test_an_enhanced_file_has_its_line_and_window_in_groups() -> None:
    shared = element(
        PixelValueTransformationSequence=[element(**LINE)], FrameVOILUTSequence=[element(**SOFT)]
    )
    tags = {"SharedFunctionalGroupsSequence": [shared], "NumberOfFrames": 1}
    shown = decode(dicom(CT, BitsStored=12, **tags), "")
    np.testing.assert_array_equal(shown, np.rint(_each(_linear(40, 400), HOUNSFIELD)))


@pytest.mark.parametrize("colours", ["MONOCHROME2", "MONOCHROME1"])
def test_padding_is_dark_and_sets_no_window(colours: str) -> None:
    stored = ramp(100, 1000, "int16")
    plain = decode(dicom(stored, PhotometricInterpretation=colours), "")
    stored[4:8, :3] = -2000
    tags = {"PhotometricInterpretation": colours, "PixelPaddingValue": -2000}
    shown = decode(dicom(stored, **tags), "")
    seen = stored != -2000
    np.testing.assert_array_equal(shown[seen], plain[seen])
    assert (shown[~seen] == shown[seen].min()).all()


def test_a_range_of_padding() -> None:
    stored = ramp(0, 1000)
    shown = decode(dicom(stored, PixelPaddingValue=0, PixelPaddingRangeLimit=99), "")
    assert shown.min() == stored[stored > 99].min()
    np.testing.assert_array_equal(shown[stored > 99], stored[stored > 99])


def _colours() -> Array:
    return np.random.default_rng(3).integers(0, 256, (16, 16, 3)).astype(np.uint8)


def test_colours() -> None:
    rgb = _colours()
    np.testing.assert_array_equal(decode(dicom(rgb), ""), rgb)
    planes = np.ascontiguousarray(np.moveaxis(rgb, -1, 0)).reshape(16, 16, 3)
    np.testing.assert_array_equal(decode(dicom(planes, PlanarConfiguration=1), ""), rgb)
    y, b, r = (rgb[..., at].astype(float) for at in range(3))
    right = np.stack(
        [
            y + 1.402 * (r - 128),
            y - 0.344136 * (b - 128) - 0.714136 * (r - 128),
            y + 1.772 * (b - 128),
        ],
        axis=-1,
    )
    shown = decode(dicom(rgb, PhotometricInterpretation="YBR_FULL"), "")
    assert np.abs(shown - np.clip(right, 0, 255)).max() <= 1


def test_colours_that_two_pixels_share() -> None:
    grey = ramp(0, 255, "uint8")
    # Y Y B R for every two pixels; without colour B and R are 128.
    packed = np.full((16, 8, 4), 128, np.uint8)
    packed[..., :2] = grey.reshape(16, 8, 2)
    raw = packed.tobytes()
    data = dicom(np.zeros((16, 16, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422")
    cut = data.rindex(bytes(16 * 16 * 3))
    length = int.from_bytes(data[cut - 4 : cut], "little")
    assert length == 16 * 16 * 3
    short = data[: cut - 4] + len(raw).to_bytes(4, "little") + raw
    np.testing.assert_array_equal(decode(short, ""), grey[..., None].repeat(3, axis=2))


@pytest.mark.parametrize(("bits", "times"), [(8, 1), (16, 256)])
def test_a_palette(bits: int, times: int) -> None:
    colours = np.random.default_rng(4).integers(0, 256, (200, 3))
    index = ramp(0, 255, "uint8")
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for at, name in enumerate(("Red", "Green", "Blue")):
        table = f"{name}PaletteColorLookupTable"
        tags[f"{table}Descriptor"] = [200, 10, bits]
        tags[f"{table}Data"] = (colours[:, at] * times).astype("<u2").tobytes()
    data = dicom(index, **tags)
    right = colours[np.clip(index.astype(int) - 10, 0, 199)]
    np.testing.assert_array_equal(decode(data, ""), right)
    np.testing.assert_array_equal(decode(data, "", indexed=True), index)


def test_a_palette_of_segments() -> None:
    # Three values as they are, then a line of 5 to 1000, then of 8 to 0.
    words = np.array([0, 3, 0, 100, 500, 1, 5, 1000, 1, 8, 0], "<u2")
    values = [0, 100, 500, 600, 700, 800, 900, 1000, *(1000 - 125 * n for n in range(1, 9))]
    index = ramp(0, 15, "uint8")
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [16, 0, 16]
        tags[f"Segmented{name}PaletteColorLookupTableData"] = words.tobytes()
    right = (np.array(values) >> 8)[index]
    np.testing.assert_array_equal(decode(dicom(index, **tags), "")[..., 1], right)


def test_a_mask_keeps_its_values() -> None:
    mask = ramp(0, 3, "uint8")
    data = dicom(mask, BitsStored=2, **SOFT)
    np.testing.assert_array_equal(decode(data, "", indexed=True), mask)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"Rows": None}, "without the element Rows"),
        ({"BitsAllocated": None, "BitsStored": 16}, "without the element BitsAllocated"),
        ({"PixelRepresentation": None}, "without the element PixelRepresentation"),
        ({"PhotometricInterpretation": None}, "without the element PhotometricInterpretation"),
        ({"PhotometricInterpretation": "HSV"}, "colours are not understood"),
        ({"NumberOfFrames": 7}, "7 frames"),
        ({"Rows": 65535, "Columns": 65535}, "4294.*megapixels|65535×65535"),
        ({"Rows": 17}, "damaged or was cut off"),
        ({"HighBit": 15, "BitsStored": 12}, "odd way"),
        ({"RescaleSlope": 0, "RescaleIntercept": 1}, "damaged"),
    ],
)
def test_what_is_refused(tags: dict[str, Any], says: str) -> None:
    with pytest.raises(SegkitError, match=says) as caught:
        decode(dicom(CT, **tags), "scan.dcm")
    assert caught.value.where == "scan.dcm"
    assert caught.value.remedy


def test_frames_become_one_image_by_the_settings() -> None:
    frames = np.stack([ramp(0, 100), ramp(200, 0), ramp(50, 50)])
    groups = [element(PixelValueTransformationSequence=[_line(at)]) for at in (0, 1000, 20)]
    many = {"NumberOfFrames": 3, "Rows": 16, "PerFrameFunctionalGroupsSequence": groups}
    data = dicom(frames.reshape(48, 16), **many)
    right = frames.astype(int) + np.array([0, 1000, 20])[:, None, None]
    for at in range(3):
        np.testing.assert_array_equal(decode(data, "", planes=Planes(z=at)), right[at])
    np.testing.assert_array_equal(decode(data, "", planes=Planes(z="max")), right.max(axis=0))
    mean = decode(data, "", planes=Planes(z="mean"))
    np.testing.assert_allclose(mean, right.mean(axis=0), rtol=1e-6)
    for z in (None, 3):
        with pytest.raises(SegkitError, match="a DICOM file of 3 frames") as caught:
            decode(data, "", planes=Planes(z=z))
        assert "dataset.z=max" in caught.value.remedy


def _line(intercept: int) -> Any:
    return element(RescaleSlope=1, RescaleIntercept=intercept)


def test_objects_without_pixels_are_named() -> None:
    report = dicom(None, storage="1.2.840.10008.5.1.4.1.1.88.11")
    with pytest.raises(SegkitError, match="without pixels: Basic Text SR Storage"):
        decode(report, "report.dcm")
    with pytest.raises(SegkitError, match="has no pixels, or lost them"):
        decode(dicom(None), "ct.dcm")


def test_a_deflated_file_that_unpacks_to_more_than_the_bound() -> None:
    more = {"EncapsulatedDocument": bytes(2**25)}
    data = dicom(CT, syntax=DeflatedExplicitVRLittleEndian, **more)
    assert len(data) < 2**17
    with limited_to(1), pytest.raises(SegkitError, match="deflated DICOM file of"):
        decode(data, "bomb.dcm")
