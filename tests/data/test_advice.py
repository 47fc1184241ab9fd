"""What a message about masks says to type, typed in, leads to the right classes."""

from pathlib import Path

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from tests.data.advice_cases import CASES, DIM, IDS, IGNORED, SPREAD
from tests.data.mask_files import (
    SIDE,
    Files,
    Truth,
    bars,
    decoded,
    jpeg,
    placed,
    png,
    read,
    reader_of,
    replaced,
    soft,
    tif,
    typed,
)


def told(reader: Reader) -> SegkitError:
    """What is said of the first mask that cannot be used."""
    with pytest.raises(SegkitError) as caught:
        read(reader)
    return caught.value


@pytest.mark.parametrize("name", CASES)
def test_every_way_out_leads_to_the_right_classes(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    root = placed(tmp_path, case.masks)
    error = told(reader_of(root, *case.given))
    assert case.said in error.what
    assert case.also in error.remedy
    ways = typed(error.remedy)
    assert len(ways) == len(case.ways), error.remedy
    for way, truths in zip(ways, case.ways, strict=True):
        reader = reader_of(root, *replaced(case.given, way))
        for mask, truth in zip(read(reader), truths, strict=True):
            np.testing.assert_array_equal(mask, truth.astype(np.uint8), str(way))
        assert reader.cautions() == []


def test_masks_of_numbers_that_are_none_are_told_so(tmp_path: Path) -> None:
    root = placed(tmp_path, {"a.tif": tif(np.full((SIDE, SIDE), np.nan, np.float32))})
    error = told(reader_of(root))
    assert "NaN" in error.what
    assert typed(error.remedy) == []


def test_all_files_are_told_alike(tmp_path: Path) -> None:
    """So that they are counted as one kind of mistake."""
    files = {f"{number}.png": png(bars(0, number)) for number in range(2, 9)}
    reader = reader_of(placed(tmp_path, files))
    said = set()
    for record in reader.listing().records:
        with pytest.raises(SegkitError) as caught:
            reader.read(record)
        said.add((caught.value.what, caught.value.remedy))
    assert len(said) == 1


def doubted(reader: Reader) -> tuple[str, str, bool]:
    """What is said of the threshold, what to do, and whether training is refused."""
    try:
        (caution,) = reader.cautions()
    except SegkitError as error:
        return error.what, error.remedy, True
    return caution.what, caution.remedy, False


@pytest.mark.parametrize(
    ("masks", "threshold", "refused", "truths"),
    [
        ({"a.png": png(IDS)}, 127, True, [IDS > 0]),
        ({"a.png": png(IDS), "b.png": png(IDS * 9)}, 127, False, [IDS > 0] * 2),
        ({"a.png": png(IDS * 9)}, 127, False, [IDS > 0]),
        ({"a.png": png(bars(0, 1))}, 127, True, [bars(0, 1)]),
        ({"a.png": png(bars(0, 1)), "b.png": png(bars(0, 0))}, 127, True, [bars(0, 1), bars(0)]),
        ({"a.tif": tif(soft(1).astype(np.float32))}, 127, True, [soft(1) > 0.5]),
        ({"a.png": png(SPREAD)}, 127, False, [SPREAD > 0]),
        ({"a.png": png(IGNORED)}, 127, False, [IGNORED > 0]),
        ({"a.png": png(soft().astype(np.uint8))}, 254, False, [soft() > 127]),
        ({"a.jpg": DIM}, 127, True, [decoded(DIM) > decoded(DIM).max() / 2]),
        ({"a.jpg": jpeg(bars(0, 255, 0, 255))}, 0, False, [bars(0, 1, 0, 1)]),
    ],
)
def test_a_threshold_that_spoils_masks_is_told_with_a_better_one(
    masks: Files, threshold: float, refused: bool, truths: list[Truth], tmp_path: Path
) -> None:
    root = placed(tmp_path, masks)
    given = f"dataset.mask_threshold={threshold}"
    what, remedy, was_refused = doubted(reader_of(root, given))
    assert was_refused == refused, what
    ((way),) = typed(remedy)
    reader = reader_of(root, *replaced([given], way))
    for mask, truth in zip(read(reader), truths, strict=True):
        np.testing.assert_array_equal(mask, np.asarray(truth).astype(np.uint8))
    assert reader.cautions() == []


@pytest.mark.parametrize(
    ("masks", "threshold"),
    [
        ({"a.jpg": jpeg(soft().astype(np.uint8)), "b.jpg": jpeg(bars(0))}, 127),
        ({"a.png": png(soft().astype(np.uint8))}, 127),
        ({"a.png": png(bars(0, 255)), "b.png": png(bars(0))}, 127),
        ({"a.png": png(IDS), "b.png": png(np.zeros_like(IDS))}, 0),
    ],
)
def test_a_threshold_that_fits_is_left_alone(
    masks: Files, threshold: float, tmp_path: Path
) -> None:
    root = placed(tmp_path, masks)
    assert reader_of(root, f"dataset.mask_threshold={threshold}").cautions() == []
