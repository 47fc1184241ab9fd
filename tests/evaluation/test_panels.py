"""Which images are shown as the worst, the median and the best."""

import numpy as np

from segkit.evaluation.panels import extremes
from segkit.tasks.semantic.task import SemanticTask

SCORER = SemanticTask(["background", "cell"]).scorer


def counts(*fours: tuple[int, int, int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """(N, 2, 4) of binary images."""
    return np.array([[four[::-1], four] for four in fours], np.int64)


def of_dice(percent: int) -> tuple[int, int, int, int]:
    return (percent, 100 - percent, 100 - percent, 0)


def test_by_rising_and_falling_dice() -> None:
    order = [50, 10, 90, 70, 30, 20, 80]
    found = extremes(SCORER, counts(*map(of_dice, order)), 2)
    dice = {name: [order[place] for place in places] for name, places in found.items()}
    assert dice == {"worst": [10, 20], "median": [30, 50], "best": [90, 80]}


def test_of_equals_the_more_wrong_is_worse_and_the_more_found_better() -> None:
    fours = ((0, 5, 0, 95), (0, 50, 0, 50), (10, 0, 0, 90), (40, 0, 0, 60))
    found = extremes(SCORER, counts(*fours), 2)
    assert found["worst"] == [1, 0]
    assert found["best"] == [3, 2]


def test_images_without_a_dice_are_left_out() -> None:
    found = extremes(SCORER, counts((0, 0, 0, 100), of_dice(40), (0, 0, 0, 100)), 4)
    assert found == {"worst": [1], "median": [1], "best": [1]}
    nothing = extremes(SCORER, counts((0, 0, 0, 100)), 4)
    assert nothing == {"worst": [], "median": [], "best": []}
