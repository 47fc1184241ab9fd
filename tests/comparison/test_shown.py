"""What is said of groups that were left out of training, each by a run of its own."""

from types import SimpleNamespace
from typing import Any

from segkit.comparison.shown import _apart


def run_of(left_out: str | None, dice: float | None) -> Any:
    return SimpleNamespace(left_out=left_out, summary={"test": {"all": {"dice": dice}}})


def told(*runs: Any) -> str:
    each: Any = SimpleNamespace(name="unet_mnv2", runs=(runs,))
    comparison: Any = SimpleNamespace(score="dice", title="dice")
    return _apart(each, comparison)


def test_each_is_named_with_the_mean_over_seeds() -> None:
    said = told(run_of("north", 0.9), run_of("south", 0.8), run_of("north", 0.8))
    assert said.endswith("on what was left out of training: north 0.850, south 0.800")


def test_one_in_which_nothing_was_to_be_found_has_no_score() -> None:
    assert told(run_of("north", 0.9), run_of("south", None)).endswith(
        "north 0.900, south undefined"
    )


def test_ordinary_folds_are_not_named() -> None:
    assert told(run_of(None, 0.9)) == ""
