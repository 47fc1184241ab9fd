"""The settings of the semantic task, and the network it asks for."""

from typing import Any

import pytest

from segkit.core.errors import SegkitError
from segkit.tasks.semantic.task import SemanticTask

BINARY = SemanticTask(["background", "cell"], threshold=0.25)
SEVERAL = SemanticTask(["background", "cell", "edge"])


@pytest.mark.parametrize(
    ("given", "expected"), [(None, 0.25), ("auto", 0.25), (0, 0), (0.4, 0.4), (1, 1)]
)
def test_what_a_threshold_may_be_where_one_can_be_found(given: Any, expected: float) -> None:
    task = BINARY.with_settings({"threshold": given}, auto=True)
    assert task.settings == {"threshold": expected}
    assert task.classes == BINARY.classes


@pytest.mark.parametrize("given", ["best", 1.5, -0.1, True])
@pytest.mark.parametrize("auto", [False, True])
def test_what_is_no_threshold_is_refused(given: Any, auto: bool) -> None:
    with pytest.raises(SegkitError, match="is not a number from 0 to 1") as error:
        BINARY.with_settings({"threshold": given}, auto=auto)
    assert error.value.where == f"threshold={str(given).lower()}"
    assert ("auto" in error.value.remedy) is auto


def test_where_none_can_be_found_auto_is_refused() -> None:
    with pytest.raises(SegkitError, match="is not a number from 0 to 1"):
        BINARY.with_settings({"threshold": "auto"})


@pytest.mark.parametrize("given", [0.4, "auto"])
def test_a_threshold_needs_a_binary_task(given: Any) -> None:
    assert SEVERAL.with_settings({"threshold": None}).settings == {"threshold": None}
    with pytest.raises(SegkitError, match="of 3 classes the likeliest wins"):
        SEVERAL.with_settings({"threshold": given}, auto=True)


def test_another_setting_is_refused() -> None:
    with pytest.raises(SegkitError, match="no such setting") as error:
        BINARY.with_settings({"thresold": 0.4})
    assert error.value.where == "thresold"


@pytest.mark.parametrize(
    ("classes", "two_logits", "of_core", "of_network"),
    [(2, False, 1, 1), (2, True, 2, 1), (3, False, 3, 3)],
)
def test_how_many_outputs_a_network_has(
    classes: int, two_logits: bool, of_core: int, of_network: int
) -> None:
    names = ["background", "cell", "edge"][:classes]
    objective = SemanticTask(names, two_logits=two_logits).objective
    assert (objective.core_outputs, objective.outputs) == (of_core, of_network)


def test_two_logits_are_of_one_class_and_its_background() -> None:
    with pytest.raises(SegkitError, match="3 classes have a logit each as it is") as error:
        SemanticTask(["background", "cell", "edge"], two_logits=True)
    assert error.value.where == "two_logits=true"


def test_a_setting_survives_another() -> None:
    task = SemanticTask(["background", "cell"], two_logits=True).with_settings({"threshold": 0.4})
    assert task.two_logits
