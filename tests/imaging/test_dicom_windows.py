"""What windows and tables of a DICOM file make of its values, against arithmetic written here."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from segkit.imaging.pixels import decode, decode_picture
from tests.imaging.dicom_files import CT, HOUNSFIELD, LINE, SOFT, Array, dicom, element


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
