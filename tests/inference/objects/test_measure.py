"""Measurements against closed forms, against OpenCV and SciPy, and by bands."""

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from segkit.core.tables import table_text
from segkit.inference.objects.measure import columns, measure, table_rows
from tests.inference.objects.phantoms import PHANTOMS, Labels, seventy_thousand


def measured(labels: NDArray[Any], **more: Any) -> list[dict[str, float]]:
    return list(table_rows(measure(labels, **more)))


def disc(radius: float, size: int = 101) -> Labels:
    rows, columns = np.indices((size, size)) - size // 2
    return (rows**2 + columns**2 <= radius**2).astype(np.int32)


def test_a_disc() -> None:
    (row,) = measured(disc(40), pixel_size=(0.25, 0.25))
    assert row["area_px"] == pytest.approx(math.pi * 40**2, rel=2e-3)
    assert (row["centroid_x_px"], row["centroid_y_px"]) == (50, 50)
    assert row["major_axis_px"] == pytest.approx(80, rel=2e-3)
    assert row["minor_axis_px"] == row["major_axis_px"]
    assert row["perimeter_px"] == pytest.approx(2 * math.pi * 40, rel=0.06)
    assert row["eccentricity"] == 0
    assert math.isnan(row["orientation_deg"])
    assert row["solidity"] == pytest.approx(1, abs=0.02)
    assert row["touches_edge"] == 0
    assert row["area_um2"] == pytest.approx(row["area_px"] / 16)
    assert (row["centroid_x_um"], row["centroid_y_um"]) == (12.5, 12.5)
    assert row["major_axis_um"] == pytest.approx(row["major_axis_px"] / 4)
    assert row["perimeter_um"] == pytest.approx(row["perimeter_px"] / 4)


@pytest.mark.parametrize("touches", [0, 1])
def test_a_rectangle(touches: int) -> None:
    labels = np.zeros((30, 60), np.int32)
    left = 49 if touches else 48
    labels[5:12, left : left + 11] = 6
    (row,) = measured(labels)
    # Second moments of w pixel centres in a row: (w² − 1) / 12; an axis is four times their root.
    assert row == {
        "label": 6,
        "area_px": 77,
        "centroid_x_px": left + 5,
        "centroid_y_px": 8,
        "left_px": left,
        "top_px": 5,
        "width_px": 11,
        "height_px": 7,
        "major_axis_px": pytest.approx(4 * math.sqrt(10)),
        "minor_axis_px": pytest.approx(4 * math.sqrt(4)),
        "perimeter_px": 2 * (10 + 6),  # through the centres of its rim
        "orientation_deg": 0,
        "eccentricity": pytest.approx(math.sqrt(1 - 4 / 10)),
        "solidity": 1,
        "touches_edge": touches,
    }
    assert list(row) == columns()


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_one_pixel_at_an_edge(side: str) -> None:
    labels = np.zeros((5, 7), np.int32)
    labels[{"top": (0, 3), "bottom": (4, 3), "left": (2, 0), "right": (2, 6)}[side]] = 3
    labels[2, 3] = 1
    inside, row = measured(labels)
    assert (inside["touches_edge"], row["touches_edge"]) == (0, 1)
    assert (row["area_px"], row["perimeter_px"], row["solidity"]) == (1, 0, 1)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 179])
def test_orientation_is_anticlockwise_from_the_x_axis(degrees: int) -> None:
    labels = np.zeros((101, 101), np.uint8)
    # OpenCV's angles are clockwise, since y points down.
    cv2.ellipse(labels, (50, 50), (40, 12), -degrees, 0, 360, 1, -1)
    (row,) = measured(labels)
    apart = abs(row["orientation_deg"] - degrees)
    assert min(apart, 180 - apart) < 0.5
    assert 0 <= row["orientation_deg"] < 180


def test_oblong_pixels() -> None:
    """Of pixels half as wide as high, a disc is drawn twice as wide."""
    rows, across = np.indices((81, 161)) - np.array([40, 80])[:, None, None]
    labels = ((2 * rows) ** 2 + across**2 <= 70**2).astype(np.int32)
    (row,) = measured(labels, pixel_size=(1.0, 0.5))
    assert row["area_um2"] == row["area_px"] / 2
    assert (row["centroid_x_um"], row["centroid_y_um"]) == (40, 40)
    assert row["major_axis_um"] == pytest.approx(70, rel=5e-3)
    assert row["minor_axis_um"] == pytest.approx(70, rel=5e-3)
    assert row["eccentricity"] < 0.1  # the object's, whose picture has 0.87
    assert row["major_axis_px"] == pytest.approx(140, rel=5e-3)
    assert math.isnan(row["perimeter_um"])


@pytest.mark.parametrize("pixels", [40, 2**22])
@pytest.mark.parametrize("phantom", PHANTOMS)
def test_against_scipy_and_opencv(phantom: Callable[[], Labels], pixels: int) -> None:
    labels = phantom()
    random = np.random.default_rng(2)
    image = random.integers(0, 65_536, (*labels.shape, 2)).astype(np.uint16)
    probability = random.random(labels.shape, np.float32)
    ids = np.unique(labels[labels > 0])
    rows = measured(
        labels, image=image, channels=("DAPI", "GFP"), probability=probability, pixels=pixels
    )
    assert [row["label"] for row in rows] == ids.tolist()
    for number, name in enumerate(("DAPI", "GFP")):
        for kind, function in (
            ("mean", ndimage.mean),
            ("minimum", ndimage.minimum),
            ("maximum", ndimage.maximum),
        ):
            expected = function(image[..., number], labels, ids)
            np.testing.assert_allclose([r[f"{kind}_{name}"] for r in rows], expected, rtol=1e-7)
    np.testing.assert_allclose(
        [row["mean_probability"] for row in rows],
        ndimage.mean(probability.astype(float), labels, ids),
        rtol=1e-7,
    )
    for row in rows:
        moments = cv2.moments((labels == row["label"]).astype(np.uint8), binaryImage=True)
        area = moments["m00"]
        assert row["area_px"] == area
        assert row["centroid_x_px"] == pytest.approx(moments["m10"] / area, abs=1e-6)
        assert row["centroid_y_px"] == pytest.approx(moments["m01"] / area, abs=1e-6)
        a, b, c = (moments[f"mu{name}"] / area for name in ("20", "11", "02"))
        both = math.hypot(a - c, 2 * b)
        assert row["major_axis_px"] == pytest.approx(math.sqrt(8 * (a + c + both)), abs=1e-4)
        small = math.sqrt(max(0, 8 * (a + c - both)))
        assert row["minor_axis_px"] == pytest.approx(small, abs=1e-4)
        box = cv2.boundingRect((labels == row["label"]).astype(np.uint8))
        assert tuple(row[f"{name}_px"] for name in ("left", "top", "width", "height")) == box


@pytest.mark.parametrize("phantom", PHANTOMS)
def test_bands_change_nothing(phantom: Callable[[], Labels]) -> None:
    labels = phantom()
    whole = measured(labels, image=(labels % 200).astype(np.uint8), pixel_size=(0.5, 0.25))
    for pixels in (1, 31 * 4):
        banded = measured(
            labels, image=(labels % 200).astype(np.uint8), pixel_size=(0.5, 0.25), pixels=pixels
        )
        # As text: NaN is not equal to itself.
        names = columns(("intensity",), pixel_size=True)
        assert table_text(names, banded) == table_text(names, whole)


def test_columns_are_those_of_the_rows_in_order() -> None:
    labels = disc(5, 21)
    for channels in ((), ("DAPI",), ("red", "green")):
        for probability in (False, True):
            for size in (False, True):
                rows = measured(
                    labels,
                    image=np.zeros((21, 21, len(channels)), np.uint8) if channels else None,
                    channels=channels or ("intensity",),
                    probability=np.ones((21, 21), np.float16) if probability else None,
                    pixel_size=(1, 1) if size else None,
                )
                names = columns(channels, probability=probability, pixel_size=size)
                assert [list(row) for row in rows] == [names]


def test_numbers_are_short() -> None:
    (row,) = measured(disc(7, 21), pixel_size=(0.1, 0.1))
    assert row["area_um2"] == float(f"{row['area_px'] / 100:.8g}")
    assert max(len(repr(value)) for value in row.values()) <= 10


def test_an_object_takes_eight_bytes_a_column() -> None:
    """As Python's numbers it would take kilobytes, and an image may hold 300,000."""
    for labels in (disc(7, 21), np.zeros((21, 21), np.int32)):
        found = measure(labels, image=labels, pixel_size=(0.1, 0.1))
        count = labels.max()
        for name, column in found.items():
            whole = name in ("label", "touches_edge", "area_px") or name.startswith(
                ("left", "top", "width", "height")
            )
            assert column.dtype == (np.int64 if whole else np.float64), name
            assert column.nbytes == 8 * count


def test_whole_numbers_are_whole() -> None:
    names = ["area_px", "centroid_x_px", "mean_intensity", "maximum_intensity"]
    (row,) = measured(disc(7, 21), image=np.full((21, 21), 300, np.uint16))
    assert table_text(names, [[row[name] for name in names]]).splitlines()[1] == "149,10,300,300"


def test_a_mean_probability_of_half_precision() -> None:
    """A sum of float16 would not reach 2049 ones."""
    labels = np.ones((100, 100), np.int32)
    (row,) = measured(labels, probability=np.full((100, 100), 0.75, np.float16))
    assert row["mean_probability"] == 0.75


def test_what_does_not_fit_together() -> None:
    labels = disc(5, 21)
    with pytest.raises(ValueError, match="image of shape"):
        measured(labels, image=np.zeros((20, 21)))
    with pytest.raises(ValueError, match="probability of shape"):
        measured(labels, probability=np.zeros((21, 22)))
    with pytest.raises(ValueError, match="1 names of channels"):
        measured(labels, image=np.zeros((21, 21, 3)))
    for size in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="pixels of"):
            measured(labels, pixel_size=(1.0, size))


@pytest.mark.slow
def test_seventy_thousand_objects() -> None:
    labels = seventy_thousand()
    areas = np.bincount(labels.ravel())[1:]
    rows = measured(labels)
    assert [row["area_px"] for row in rows] == areas.tolist()
