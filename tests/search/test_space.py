"""YAML to draws, and draws to arguments that Hydra reads back as what was drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from segkit.core.errors import SegkitError
from segkit.core.quoting import written
from segkit.search.space import (
    Choice,
    Range,
    as_overrides,
    as_plain,
    corners,
    read_space,
    suggest,
)

CONF = Path(__file__).parents[2] / "conf" / "sweep"


class Recorder:
    """Draws the last option or the upper bound, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.asked.append((name, tuple(choices)))
        return choices[-1]

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        self.asked.append((name, low, high, step, log))
        return high

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        self.asked.append((name, low, high, step, log))
        return high


def test_each_kind_is_drawn_by_its_own_means() -> None:
    space = read_space(
        {
            "optim.lr": {"low": 1e-4, "high": 1e-2, "log": True},
            "model": ["a", "b"],
            "dataset.batch_size": {"low": 4, "high": 32, "step": 4},
            "threshold": {"low": 0, "high": 1, "step": 0.25},
        }
    )
    trial = Recorder()
    values = suggest(trial, space)  # type: ignore[arg-type]
    assert trial.asked == [
        ("optim.lr", 1e-4, 1e-2, None, True),
        ("model", ("a", "b")),
        ("dataset.batch_size", 4, 32, 4, False),
        ("threshold", 0.0, 1.0, 0.25, False),
    ]
    assert values == {"optim.lr": 1e-2, "model": "b", "dataset.batch_size": 32, "threshold": 1.0}
    assert isinstance(values["dataset.batch_size"], int)
    assert isinstance(values["threshold"], float)


def test_a_space_is_added_to_and_taken_from() -> None:
    node = {"model": ["a", "b"], "augment": ["c", "d"], "loss": ["e", "f"]}
    more = {"model": ["x"], "augment": None, "seed": {"low": 0, "high": 9}}
    assert read_space(node, more, fixed=["loss"]) == {
        "model": Choice(("x",)),
        "seed": Range(0, 9),
    }


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_space_that_comes_with_segkit_is_read(path: Path) -> None:
    node: Any = OmegaConf.to_container(OmegaConf.load(path))
    if path.stem == "none":
        assert node == {}
        return
    space = read_space(node)
    assert set(space) == set(node)
    assert all(isinstance(value, Choice | Range) for value in space.values())
    lr = space["optim.lr"]
    assert isinstance(lr, Range)
    assert (lr.low, lr.high, lr.log) == (1e-4, 1e-2, True)  # numbers, not words such as "1e-4"


WRONG: list[tuple[Any, str]] = [
    ([], "no options"),
    (["a", "b", "a"], "same option twice"),
    ([[1, 2], [3]], "not a single value"),
    (3, "nothing to choose from"),
    ({"low": 1}, "two numbers as bounds"),
    ({"low": "1", "high": 2}, "two numbers as bounds"),
    ({"low": True, "high": 2}, "two numbers as bounds"),
    ({"low": float("nan"), "high": 2}, "two numbers as bounds"),
    ({"low": 1, "high": float("inf")}, "two numbers as bounds"),
    ({"low": 2, "high": 1}, "no room"),
    ({"low": 1, "high": 1}, "no room"),
    ({"low": 0, "high": 1, "log": True}, "no logarithm"),
    ({"low": 1, "high": 2, "log": "yes"}, "over a logarithm or not"),
    ({"low": 1, "high": 9, "step": 0}, "in such steps"),
    ({"low": 1, "high": 9, "step": 10}, "in such steps"),
    ({"low": 1, "high": 9, "step": 2, "log": True}, "a logarithm too"),
    ({"low": 1, "high": 9, "lgo": True}, "cannot have 'lgo'"),
]


@pytest.mark.parametrize(("value", "what"), WRONG, ids=[what for _, what in WRONG])
def test_what_cannot_be_drawn_is_refused_by_name(value: Any, what: str) -> None:
    with pytest.raises(SegkitError, match=what) as error:
        read_space({"optim.lr": value, "model": ["a", "b"]})
    assert "optim.lr" in error.value.where
    assert error.value.remedy


def test_a_mistyped_bound_is_told_its_near_miss() -> None:
    with pytest.raises(SegkitError) as error:
        read_space({"seed": {"low": 1, "hihg": 2}})
    assert error.value.remedy == "did you mean 'high'?"


@pytest.mark.parametrize(
    ("node", "fixed", "what"),
    [
        ({}, [], "is empty"),
        ({"model": None}, [], "is empty"),
        ({"model": ["a", "b"]}, ["model"], "nothing is left"),
    ],
)
def test_an_empty_space_is_refused(node: Any, fixed: list[str], what: str) -> None:
    with pytest.raises(SegkitError, match=what):
        read_space(node, None, fixed)


def test_a_space_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(SegkitError, match="something for each key"):
        read_space({"model": ["a"]}, ["model"])


def test_every_bound_and_option_is_tried_out() -> None:
    space = read_space(
        {"model": ["a", "b", "c"], "seed": {"low": 1, "high": 9}, "loss": ["d", "e"]}
    )
    assert corners(space) == [
        {"model": "a", "seed": 1, "loss": "d"},
        {"model": "b", "seed": 9, "loss": "e"},
        {"model": "c", "seed": 9, "loss": "e"},
    ]


VALUES = [
    *(1, -3, 0.1, 1e-5, 3e22, True, False, None, "unet_mnv2", "a.b/c", "two words", "it's"),
    *("1", "1e-3", "true", "NULL", "[1,2]", "a=b", "a,b", "x\\", "\\'", "'", "", "#", "{a: 1}"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_hydra_reads_back_what_was_written(value: Any) -> None:
    override = as_overrides({"some.key": value})[0]
    read = OverridesParser.create().parse_override(override)
    assert read.key_or_group == "some.key"
    found: Any = read.value()
    found = str(found) if isinstance(value, str) else found
    assert found == value
    assert type(found) is type(value)


def test_the_same_space_is_the_same_whatever_its_order() -> None:
    first = {"model": ["a", "b"], "seed": {"low": 1, "high": 2}}
    second = dict(reversed(first.items()))
    assert as_plain(read_space(first)) == as_plain(read_space(second))
    assert list(as_plain(read_space(second))) == ["model", "seed"]
    assert as_plain(read_space({**first, "model": ["b", "a"]})) != as_plain(read_space(first))


def test_numbers_are_written_in_full() -> None:
    assert written(0.1 + 0.2) == "0.30000000000000004"
