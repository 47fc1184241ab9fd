"""The result of a comparison of two runs, in a word and in a sentence."""

import math
from typing import Literal

from segkit.statistics.paired import Difference, PairedDifference
from segkit.statistics.seeds import SeededDifference

Verdict = Literal["better", "worse", "not certain", "no difference shown", "too few"]

ALPHA = 0.05
# Of five groups the signed-rank test gives 2 / 2**5 = 0.0625 at least, whatever the scores.
FEWEST = 6


def verdict(found: Difference, p_holm: float) -> Verdict:
    """What may be said of the second run beside the first, where higher scores are better.

    Better or worse is what both the interval and p say, which has to be adjusted for all
    comparisons that were made; where only one of them does, it is not certain. Nor is it where the
    ranks point the other way: a few groups gained much, and most lost.

    Args:
        found: the comparison.
        p_holm: its p after :func:`segkit.statistics.paired.holm` over all comparisons shown.
    """
    if found.n < FEWEST or math.isnan(p_holm):
        return "too few"
    apart, rare = found.low > 0 or found.high < 0, p_holm < ALPHA
    if apart and rare and not _ranks_oppose(found):
        return "better" if found.difference > 0 else "worse"
    return "not certain" if apart or rare else "no difference shown"


def conclusion(
    found: Difference, p_holm: float, *, first: str, second: str, unit: str = "images"
) -> str:
    """Say :func:`verdict` in a sentence, without a full stop.

    Args:
        found: the comparison.
        p_holm: its p after :func:`segkit.statistics.paired.holm` over all comparisons shown.
        first: name of the first run.
        second: name of the second run.
        unit: what a group is, in the plural.
    """
    word = verdict(found, p_holm)
    if word == "too few":
        return _too_few(found, f"whether {first} and {second} differ", unit)
    extent = f"on {found.n} {unit}{_seeds(found)}"
    p = _p_text(p_holm)
    # "Worse by" counts the loss.
    sign = -1 if found.difference < 0 else 1
    amount = f"{_figures(found, sign)} {extent}"
    side = "better" if sign > 0 else "worse"
    if word == side:
        return f"{second} is {side} than {first} by {amount} ({p} after Holm)"
    plain = f"{_figures(found, 1)} {extent}"
    if word == "no difference shown":
        return f"no difference can be shown between {first} and {second}: {plain}"
    if not (found.low > 0 or found.high < 0):
        return (
            f"it is not certain that {first} and {second} differ: {plain}, "
            f"which does not exclude 0, but {p} after Holm"
        )
    doubt = "but the signed ranks point the other way" if p_holm < ALPHA else f"but {p} after Holm"
    return f"it is not certain that {second} is {side} than {first}: by {amount}, {doubt}"


def _ranks_oppose(found: Difference) -> bool:
    """Whether the signed-rank test speaks for the other run than the mean does."""
    return isinstance(found, PairedDifference) and found.rank_biserial * found.difference < 0


def _too_few(found: Difference, what: str, unit: str) -> str:
    if isinstance(found, SeededDifference) and found.n >= FEWEST:
        first, second = found.seeds
        return f"too few seeds ({first} and {second}; 2 each are needed) to say {what}"
    return f"too few {unit} (n = {found.n}; {FEWEST} are needed) to say {what}"


def _seeds(found: Difference) -> str:
    if not isinstance(found, SeededDifference):
        return ""
    first, second = found.seeds
    return f" over {first} seeds each" if first == second else f" over {first} and {second} seeds"


def _p_text(p: float) -> str:
    if p < 0.0005:
        return "p < 0.001"
    # What is just below the bound must not read as the bound.
    return f"p = {p:.3f}" if (round(p, 3) < ALPHA) == (p < ALPHA) else f"p = {p:.5f}"


def _figures(found: Difference, sign: int) -> str:
    """``"0.012 [0.004, 0.020]"``, with more digits where one that is not 0 would read so."""
    low, high = sorted((sign * found.low, sign * found.high))
    values = (sign * found.difference, low, high)
    digits = next((d for d in range(3, 6) if all(round(v, d) or abs(v) < 1e-6 for v in values)), 6)
    middle, low_text, high_text = (f"{round(v, digits) + 0.0:.{digits}f}" for v in values)
    return f"{middle} [{low_text}, {high_text}]"
