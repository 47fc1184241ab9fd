"""``report.html``: the scores of the test, those of an evaluation, and how numbers are written."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from segkit.core.numbers import shown
from tests.evaluation.made_runs import a_run, evaluate, folder_hash, read, table


def test_without_a_test(tmp_path: Path) -> None:
    page = read(a_run(tmp_path, test=None))
    assert "test\nnone|no record in the test split" in page.words
    assert "No test: no record is in the test split." in page.words


def test_scores_of_the_test_until_there_are_others(tmp_path: Path) -> None:
    page = read(a_run(tmp_path))
    assert "From the test that ended training." in page.words
    assert "dice|\n0.9123|" in page.words
    assert "empty_false_positive_rate|\nundefined|" in page.words
    assert "95 % interval" not in page.words
    assert "By class" not in page.words  # there is one


def test_scores_with_intervals_by_class(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    rows = [
        {"class": name, "split": "val", "dice": dice, "dice_low": 0.5, "dice_high": high}
        | {"n": 3, "hd95": "", "strange": "1e-3", "split_hash": folder_hash(folder)}
        for name, dice, high in (("a", 0.7, 0.8), ("b", math.nan, ""), ("all", 0.71, 0.9))
    ]
    evaluate(tmp_path, rows, [{"id": "x", "class": "a", "dice": 0.25, "iou": ""}])
    page = read(folder)
    gap = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"
    assert "|\nval|\n95 % interval|" in page.words
    assert f"dice|\n0.7100|\n0.5000{gap}0.9000|" in page.words
    assert f"a|\n3|\n0.7000 (0.5000{gap}0.8000)|\n0.0010|" in page.words
    assert "b|\n3|\nundefined|\n0.0010|" in page.words
    assert "hd95" not in page.words  # nobody asked for it
    assert "x|\na|\n0.2500|\nundefined|" in page.words
    assert "other data" not in page.words
    assert "test Dice\n0.9123|" in page.words  # the training's own


def test_several_splits_are_told_apart(tmp_path: Path) -> None:
    rows = [
        {"class": name, "split": split, "dice": dice}
        for split, dice in (("val", 0.25), ("test", 0.75))
        for name in ("a", "b", "all")
    ]
    evaluate(tmp_path, rows, [{"id": "x"}])
    page = read(a_run(tmp_path))
    assert "|\nval|\nmeans|" in page.words
    assert "|\ntest|\nmeans|" in page.words
    assert "b|\nval|\n0.2500|" in page.words
    assert "b|\ntest|\n0.7500|" in page.words


def test_scores_of_other_data_are_not_taken_for_the_runs_own(tmp_path: Path) -> None:
    evaluate(tmp_path, [{"class": "all", "split_hash": "0123456789ab"}], [{"id": "x"}])
    assert "These scores are of other data" in read(a_run(tmp_path)).words


def test_the_lowest_scores_are_listed_from_below(tmp_path: Path) -> None:
    images = [{"id": f"i{n:02d}", "dice": n / 20} for n in range(20, -1, -1)]
    evaluate(tmp_path, [{"class": "all"}], [*images, {"id": "none", "dice": ""}])
    words = read(a_run(tmp_path)).words
    assert re.findall(r"i\d\d(?=\|)", words) == [f"i{n:02d}" for n in range(10)]
    assert "Lowest Dice of 21" in words


def test_the_lowest_scores_are_told_before_examples_are_drawn(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    table(folder.images, [{"id": "a", "dice": 0.5}])  # as the test that ends training writes it
    words = read(folder).words.split("Where it fails")[1]
    assert "Lowest Dice of 1" in words
    assert "The worst" not in words
    evaluate(tmp_path, [{"class": "all"}], [{"id": "a", "dice": 0.5}])
    words = read(folder).words.split("Where it fails")[1]
    assert words.index("The worst") < words.index("Lowest Dice of 1") < words.index("The best")
    assert "The middle" not in words  # which stands on top


def test_an_image_whose_name_is_its_dice_is_listed_and_words_are_not(tmp_path: Path) -> None:
    images: list[dict[str, Any]] = [
        {"id": "0.5000", "dice": 0.5},
        {"id": "b", "dice": "b"},
        {"id": "c", "dice": 0.7},
    ]
    evaluate(tmp_path, [{"class": "all"}], images)
    words = read(a_run(tmp_path)).words
    assert "Lowest Dice of 2" in words
    assert words.count("0.5000") == 2


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.91234, "0.9123"),
        ("0.91234", "0.9123"),
        (3, "3"),
        ("3", "3"),
        ("1e-3", "0.0010"),
        *((value, "undefined") for value in (None, "", "nan", "NaN", "-inf", math.nan, math.inf)),
        ("network", "network"),
    ],
)
def test_numbers_as_people_read_them(value: object, words: str) -> None:
    assert shown(value) == words
