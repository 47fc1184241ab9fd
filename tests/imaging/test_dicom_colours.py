"""Colours and palettes of DICOM files, against arithmetic written here."""

from typing import Any

import numpy as np
import pytest

from segkit.imaging.pixels import decode
from tests.imaging.dicom_files import Array, dicom, ramp


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
