"""Rules for values, and what is said of one that breaks one."""

import math
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.core.values import SWITCH, Rule, check, choice, lookup, number, whole

NOT_FINITE = (math.inf, -math.inf, math.nan)


def refused(rule: Rule, value: Any) -> SegkitError:
    with pytest.raises(SegkitError) as error:
        rule.check("a.b", value)
    return error.value


@pytest.mark.parametrize("value", [0, 0.5, 1, np.float32(0.5), np.int64(1)])
def test_numbers_within_their_bounds(value: Any) -> None:
    number(0, 1).check("a", value)


@pytest.mark.parametrize("value", [*NOT_FINITE, -1e-9, 1.1, True, False, "0", None, [0], {}])
def test_everything_else_is_no_number(value: Any) -> None:
    told = refused(number(0, 1), value)
    assert told.what.endswith("is not a number from 0 to 1")
    assert told.remedy == "give a number from 0 to 1"


@pytest.mark.parametrize("value", NOT_FINITE)
def test_infinity_is_beyond_any_bound(value: float) -> None:
    refused(number(-math.inf), value)


def test_a_bound_that_is_left_out() -> None:
    number(0, above=True).check("a", 1e-9)
    assert refused(number(0, above=True), 0).what == "0 is not a number above 0"


def test_whole_numbers_have_no_fractions() -> None:
    whole(1).check("a", np.int32(7))
    assert refused(whole(1), 2.0).remedy == "give a whole number of 1 or more"


def test_numbers_too_large_for_a_float_are_numbers() -> None:
    whole(0).check("a", 10**400)
    assert refused(whole(0, 2**32 - 1), 10**400).remedy.startswith("give a whole number from 0")


def test_what_else_a_number_may_be_is_named() -> None:
    rule = whole(1, also=("auto", None))
    for value in (1, "auto", None):
        rule.check("a", value)
    assert refused(rule, "atuo").remedy == "give a whole number of 1 or more, auto, or null"


def test_choices() -> None:
    rule = choice("image", "group", None)
    rule.check("a", "group")
    rule.check("a", None)
    told = refused(rule, "grop")
    assert (told.what, told.where) == ("a.b cannot be 'grop'", "a.b=grop")
    assert told.remedy == "did you mean 'group'?"
    assert refused(rule, 7).remedy == "choose one of: group, image, null"


@pytest.mark.parametrize("value", [1, 0, "true", "no", None, 1.0])
def test_a_switch_is_true_or_false(value: Any) -> None:
    SWITCH.check("a", value=True)
    assert refused(SWITCH, value).remedy == "give true or false"


@pytest.mark.parametrize(
    ("value", "typed"),
    [(None, "a.b=null"), (True, "a.b=true"), ([1, "x", None], "a.b=[1,x,null]"), ("", "a.b=")],
)
def test_values_are_shown_as_they_are_typed(value: Any, typed: str) -> None:
    assert refused(Rule(lambda _: False, "no"), value).where == typed


def test_braces_in_a_value_are_its_own() -> None:
    rule = Rule(lambda _: False, "leave {key} out")
    assert refused(rule, "{key} {0}").what == "a.b cannot be '{key} {0}'"
    assert refused(choice("{x}"), "{y}").remedy == "did you mean '{x}'?"


def test_a_table_names_the_first_wrong_key() -> None:
    rules = {"a": SWITCH, "b.c": whole(0), "b.d": whole(0)}
    check({"a": True, "b": {"c": 0}}, rules)  # what is not there is not wrong
    with pytest.raises(SegkitError) as error:
        check({"a": True, "b": {"c": 0, "d": -1}}, rules)
    assert error.value.where == "b.d=-1"
    with pytest.raises(SegkitError, match="a cannot be null"):
        check({}, {"a": Rule(lambda value: value is not None, "name it", required=True)})


def test_the_file_that_a_value_stands_in_is_named() -> None:
    with pytest.raises(SegkitError) as error:
        SWITCH.check("a.b", 7, source="run/config.yaml")
    assert error.value.where == "run/config.yaml, a.b=7"


def test_looking_up() -> None:
    config = {"a": {"b": {"c": 1}}, "d": None}
    assert lookup(config, "a.b.c") == 1
    assert lookup(config, "d", 3) is None
    assert lookup(config, "d.e", 3) == lookup(config, "x", 3) == lookup(config, "a.b.c.d", 3) == 3
