"""What is said of a comparison, and when."""

import dataclasses

import numpy as np
import pytest

from segkit.statistics.paired import Difference, PairedDifference, paired_difference
from segkit.statistics.seeds import SeededDifference, difference_with_seeds
from segkit.statistics.verdict import FEWEST, Verdict, conclusion, verdict

BETTER = PairedDifference(
    0.012, 0.004, 0.020, p=0.001, n=66, left_out=2, d_z=0.4, rank_biserial=0.5
)
NONE = PairedDifference(0.002, -0.004, 0.008, p=0.6, n=66, left_out=0, d_z=0.1, rank_biserial=0.1)
WORSE = PairedDifference(
    -0.012, -0.020, -0.004, p=0.001, n=66, left_out=0, d_z=-0.4, rank_biserial=-0.5
)
SEEDED = SeededDifference(
    0.012, 0.004, 0.020, p=0.001, n=66, left_out=0, seeds=(3, 3), seed_share=0.3
)


@pytest.mark.parametrize(
    ("found", "p_holm", "word", "sentence"),
    [
        (
            BETTER,
            0.003,
            "better",
            "B is better than A by 0.012 [0.004, 0.020] on 66 images (p = 0.003 after Holm)",
        ),
        (
            WORSE,
            0.0001,
            "worse",
            "B is worse than A by 0.012 [0.004, 0.020] on 66 images (p < 0.001 after Holm)",
        ),
        (
            NONE,
            0.6,
            "no difference shown",
            "no difference can be shown between A and B: 0.002 [-0.004, 0.008] on 66 images",
        ),
        (
            BETTER,
            0.08,
            "not certain",
            "it is not certain that B is better than A: by 0.012 [0.004, 0.020] on 66 images, "
            "but p = 0.080 after Holm",
        ),
        (
            WORSE,
            0.05,
            "not certain",
            "it is not certain that B is worse than A: by 0.012 [0.004, 0.020] on 66 images, "
            "but p = 0.050 after Holm",
        ),
        (
            NONE,
            0.03,
            "not certain",
            "it is not certain that A and B differ: 0.002 [-0.004, 0.008] on 66 images, "
            "which does not exclude 0, but p = 0.030 after Holm",
        ),
        (
            dataclasses.replace(BETTER, rank_biserial=-0.5),
            0.003,
            "not certain",
            "it is not certain that B is better than A: by 0.012 [0.004, 0.020] on 66 images, "
            "but the signed ranks point the other way",
        ),
        (
            SEEDED,
            0.003,
            "better",
            "B is better than A by 0.012 [0.004, 0.020] on 66 images over 3 seeds each "
            "(p = 0.003 after Holm)",
        ),
        (
            dataclasses.replace(SEEDED, low=-0.001, p=0.07, seeds=(3, 5)),
            0.07,
            "no difference shown",
            "no difference can be shown between A and B: 0.012 [-0.001, 0.020] on 66 images "
            "over 3 and 5 seeds",
        ),
        (
            dataclasses.replace(BETTER, n=FEWEST - 1),
            0.003,
            "too few",
            "too few images (n = 5; 6 are needed) to say whether A and B differ",
        ),
    ],
)
def test_sentences(found: Difference, p_holm: float, word: Verdict, sentence: str) -> None:
    assert verdict(found, p_holm) == word
    assert conclusion(found, p_holm, first="A", second="B") == sentence


def test_too_few_of_what() -> None:
    two = paired_difference(np.zeros(2), np.ones(2), seed=0)
    says = "to say whether A and B differ"
    few = f"too few images (n = 2; 6 are needed) {says}"
    assert conclusion(two, two.p, first="A", second="B") == few
    one = difference_with_seeds(np.zeros((1, 9)), np.ones((3, 9)), seed=0)
    few = f"too few seeds (1 and 3; 2 each are needed) {says}"
    assert conclusion(one, one.p, first="A", second="B") == few
    none = difference_with_seeds(np.zeros((1, 0)), np.ones((3, 0)), seed=0)
    few = f"too few images (n = 0; 6 are needed) {says}"
    assert conclusion(none, none.p, first="A", second="B") == few


def test_fewer_groups_cannot_reach_five_per_cent() -> None:
    for groups, possible in ((FEWEST - 1, False), (FEWEST, True)):
        first = np.zeros(groups)
        best = paired_difference(first, np.arange(1, groups + 1) / 10, seed=0)
        assert (best.p < 0.05) == possible
        assert (verdict(best, best.p) == "better") == possible


def test_units_have_their_name() -> None:
    text = conclusion(NONE, 0.6, first="A", second="B", unit="patients")
    assert text.endswith("on 66 patients")


@pytest.mark.parametrize(
    ("bounds", "shown"),
    [
        ((0.0004, 0.00004, 0.0011), "0.00040 [0.00004, 0.00110]"),
        ((0.1, 0.02, 0.2), "0.100 [0.020, 0.200]"),
        ((0.1, 0.0004, 0.2), "0.1000 [0.0004, 0.2000]"),
    ],
)
def test_what_is_not_zero_does_not_read_as_zero(
    bounds: tuple[float, float, float], shown: str
) -> None:
    difference, low, high = bounds
    found = dataclasses.replace(BETTER, difference=difference, low=low, high=high)
    assert f"by {shown} on" in conclusion(found, 0.001, first="A", second="B")


@pytest.mark.parametrize(
    ("p_holm", "shown"),
    [
        (0.0496, "(p = 0.04960 after Holm)"),
        (0.0494, "(p = 0.049 after Holm)"),
        (0.0005, "(p = 0.001 after Holm)"),
        (0.0004, "(p < 0.001 after Holm)"),
    ],
)
def test_p_reads_as_what_was_made_of_it(p_holm: float, shown: str) -> None:
    text = conclusion(BETTER, p_holm, first="A", second="B")
    assert text.startswith("B is better")
    assert shown in text


def test_equal_runs_have_no_minus_zero() -> None:
    found = dataclasses.replace(NONE, difference=0.0, low=-1e-17, high=0.0)
    text = conclusion(found, 1.0, first="A", second="B")
    assert "0.000 [0.000, 0.000]" in text
    assert "-0" not in text


def test_of_equal_runs_no_difference_can_be_shown() -> None:
    scores = np.linspace(0.5, 0.9, 20)
    found = paired_difference(scores, scores, seed=0)
    assert verdict(found, found.p) == "no difference shown"
