"""The exception that users see, and the hints in it."""

import ast
import copy
import pickle
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError, did_you_mean

SEGKIT = Path(__file__).parents[2] / "segkit"


def mistake() -> SegkitError:
    return SegkitError("it is wrong", where="key=value", remedy="change it")


def test_a_message_has_three_parts() -> None:
    assert str(mistake()) == "it is wrong\n  where: key=value\n  fix:   change it"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_travels_by_pickle(protocol: int) -> None:
    again = pickle.loads(pickle.dumps(mistake(), protocol))
    assert type(again) is SegkitError
    assert (again.what, again.where, again.remedy) == ("it is wrong", "key=value", "change it")
    assert str(copy.deepcopy(again)) == str(mistake())


def test_it_is_rebuilt_from_the_text_that_torch_makes_of_it() -> None:
    expected = SegkitError("two\nlines", where="a, b", remedy="mend it\nor not")
    text = (
        "Caught SegkitError in DataLoader worker process 0.\nOriginal Traceback (most recent call "
        f"last):\n  raise x\nsegkit.errors.SegkitError: {mistake()}\n\nDuring handling of the "
        f"above exception, another exception occurred:\n\nsegkit.errors.SegkitError: {expected}\n"
    )
    assert str(SegkitError(text)) == str(expected)


def test_all_three_parts_are_given_wherever_it_is_raised() -> None:
    calls = [
        (path.name, node)
        for path in sorted(SEGKIT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SegkitError"
    ]
    assert len(calls) > 50
    for name, call in calls:
        given = {keyword.arg for keyword in call.keywords}
        assert (len(call.args), given) == (1, {"where", "remedy"}), f"{name}, line {call.lineno}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unet_mnv3", "did you mean 'unet_mnv2'?"),
        ("unet", "did you mean 'unet_r18' or 'unet_mnv2'?"),
        ("zzz", "choose one of: fpn, unet_mnv2, unet_r18"),
    ],
)
def test_near_misses_are_named_and_else_all(name: str, expected: str) -> None:
    assert did_you_mean(name, ["unet_r18", "unet_mnv2", "fpn", "fpn"]) == expected


def test_a_long_list_is_cut() -> None:
    hint = did_you_mean("?", (f"{number:03d}" for number in range(41)))
    assert hint.endswith("038, 039, …")
    assert not did_you_mean("?", (f"{number:03d}" for number in range(40))).endswith("…")


def test_no_more_near_misses_than_asked_for() -> None:
    assert did_you_mean("aaa1", [f"aaa{n}" for n in range(2, 9)], most=2).count("'") == 4
