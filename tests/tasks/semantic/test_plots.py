"""The plots of an evaluation: they open, and show what they are given."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.core.errors import SegkitError
from segkit.tasks.semantic.calibration import Calibration
from segkit.tasks.semantic.plots import histogram, reliability


def opened(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def calibration(gap: float) -> Calibration:
    middles = (np.arange(15) + 0.5) / 15
    return Calibration(np.full(15, 100), middles, np.clip(middles + gap, 0, 1))


def has(picture: NDArray[np.uint8], colour: str) -> bool:
    rgb = [int(colour[index : index + 2], 16) for index in (0, 2, 4)]
    # A line between two pixels is drawn as both, paler.
    return bool((np.abs(picture.astype(int) - rgb) < 60).all(axis=2).any())


def test_a_histogram_has_every_class_in_its_colour(tmp_path: Path) -> None:
    values = np.array([0.2, 0.9, 0.95, np.nan])
    histogram(tmp_path / "one.png", {"nucleus": values}, title="4 images")
    histogram(tmp_path / "two.png", {"nucleus": values, "edge": values - 0.1}, title="4 images")
    one, two = opened(tmp_path / "one.png"), opened(tmp_path / "two.png")
    assert one.shape == two.shape
    assert [has(one, "0072b2"), has(one, "e69f00")] == [True, False]
    assert [has(two, "0072b2"), has(two, "e69f00")] == [True, True]


def test_images_without_a_dice_are_no_bar(tmp_path: Path) -> None:
    histogram(tmp_path / "a.png", {"nucleus": np.full(3, np.nan)}, title="3 images")
    histogram(tmp_path / "b.png", {"nucleus": np.full(3, 0.5)}, title="3 images")
    blue = [int((opened(tmp_path / f"{n}.png")[..., 0] < 180).sum()) for n in "ab"]
    assert blue[0] < blue[1]


def test_a_reliability_diagram_shows_the_gap(tmp_path: Path) -> None:
    for name, gap in (("good", 0.0), ("bad", 0.3)):
        reliability(tmp_path / f"{name}.png", calibration(gap), binary=True)
    good, bad = opened(tmp_path / "good.png"), opened(tmp_path / "bad.png")
    # The lines from the diagonal to what came true.
    assert not has(good, "d55e00")
    assert has(bad, "d55e00")


def test_empty_bins_and_no_pixel_at_all_can_be_drawn(tmp_path: Path) -> None:
    empty = Calibration(np.zeros(15, np.int64), np.full(15, np.nan), np.full(15, np.nan))
    reliability(tmp_path / "r.png", empty, binary=False)
    assert opened(tmp_path / "r.png").shape[2] == 3


def test_the_same_numbers_give_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        reliability(tmp_path / f"{name}.png", calibration(0.1), binary=True)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SegkitError, match="cannot write here"):
        reliability(tmp_path / "file" / "r.png", calibration(0), binary=True)
