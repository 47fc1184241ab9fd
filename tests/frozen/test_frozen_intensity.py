"""A run whose config.yaml knows nothing of intensities sees what it saw, to the last bit."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from segkit.core.errors import SegkitError
from segkit.imaging.pixels import to_uint8
from segkit.inference.predict_files import unseen
from segkit.inference.predictor import Member, Predictor
from segkit.runs import load_run
from segkit.runs.load import agree
from segkit.runs.saved import SavedRun, open_run

FROZEN = Path(__file__).parent / "run"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return load_run(FROZEN, device="cpu", precision="32-true")


def deep() -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    values = np.random.default_rng(0).normal(3000, 900, (32, 32, 3)).clip(0, 65535)
    values[5, 5] = 60000  # dust, which its percentiles leave out
    return values.astype(np.uint16)


def percentiles(
    image: np.ndarray[tuple[int, ...], np.dtype[np.uint16]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """What segkit did when the run was trained, word for word."""
    low, high = (float(value) for value in np.percentile(image, (0.2, 99.8)))
    scaled = (image.astype(np.float32) - low) * (255.0 / (high - low))
    return np.asarray(np.rint(np.clip(scaled, 0.0, 255.0)), np.uint8)


@pytest.mark.parametrize("tile", [None, 16])
def test_it_answers_as_before(predictor: Predictor, tmp_path: Path, tile: int | None) -> None:
    assert predictor.intensity == "stored"
    image = deep()
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", rowsperstrip=3)
    eight = percentiles(image)
    np.testing.assert_array_equal(to_uint8(image, "a"), eight)
    expected = predictor(eight, tile=tile, overlap=4).probability
    for given in (image, tmp_path / "a.tif"):
        found = predictor(given, tile=tile, overlap=4).probability
        np.testing.assert_array_equal(found, expected)
    dark = eight // 3 + 20  # of 8 bits, passed as it is
    other = predictor(dark, tile=tile, overlap=4).probability
    assert not np.array_equal(other, expected)


def test_a_window_may_be_given_instead(predictor: Predictor) -> None:
    image = deep()
    expected = predictor(to_uint8(image, "a", (1000.0, 5000.0))).probability
    found = predictor(image, window=(1000.0, 5000.0)).probability
    np.testing.assert_array_equal(found, expected)


def with_intensity(intensity: object) -> SavedRun:
    run = open_run(FROZEN)
    run.config["dataset"] = {**run.config["dataset"], "intensity": intensity}
    return run


def test_runs_of_different_intensities_do_not_answer_together() -> None:
    with pytest.raises(SegkitError, match="different intensities: stored and image"):
        agree([open_run(FROZEN), with_intensity("image")], {})
    agree([open_run(FROZEN), with_intensity("stored")], {})


def test_depths_that_no_training_image_had_are_told(predictor: Predictor) -> None:
    assert unseen(predictor, "float32") == ""  # the run does not tell what it was trained on
    (member,) = predictor.members

    def line(intensity: object, depth: str) -> str:
        one = Member(member.network, member.size, 3, intensity, ("uint8",))  # type: ignore[arg-type]
        return unseen(Predictor([one], task=predictor.task, device="cpu"), depth)

    assert line("stored", "uint8") == line("image", "uint8") == ""
    assert "stored as uint16" in line("stored", "uint16")
    assert line("stored", "uint16").startswith("warning")
    assert not line("image", "uint16").startswith("warning")
    assert "0 to 90 are to be black and white" in line((0.0, 90.0), "uint16")
