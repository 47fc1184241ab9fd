"""Tasks by name, and what each is made of."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit.core.errors import SegkitError
from segkit.tasks.named import build_task, check_task, decoder_settings, task_kind, task_names

ROOT = Path(__file__).parents[2]
CLASSES = ("background", "cell")


def test_a_mistyped_task_is_a_mistake_of_the_users() -> None:
    with pytest.raises(SegkitError, match="unknown task 'semantics'") as error:
        check_task({"task": "semantics"})
    assert error.value.where == "task=semantics"
    assert "did you mean 'semantic'" in error.value.remedy


@pytest.mark.parametrize("name", [None, 3, "", "../semantic", "base"])
def test_what_is_no_name_of_a_task(name: Any) -> None:
    with pytest.raises(SegkitError, match="unknown task") as error:
        task_kind({"task": name})
    assert "semantic" in error.value.remedy


def test_runs_of_earlier_versions_are_semantic() -> None:
    """They have neither ``task`` nor ``two_logits``."""
    task = build_task({"threshold": 0.4}, CLASSES)
    assert task.name == "semantic"
    assert task.classes == CLASSES
    assert task.settings == {"threshold": 0.4}
    assert task.objective.core_outputs == 1


@pytest.mark.parametrize("name", task_names())
def test_same_stem_everywhere(name: str) -> None:
    """A task is a folder, a YAML file and a folder of tests of one name."""
    assert task_kind({"task": name}).name == name
    assert (ROOT / "segkit" / "tasks" / name / "task.py").is_file()
    text = (ROOT / "conf" / "task" / f"{name}.yaml").read_text("utf-8")
    assert re.search(rf"\ntask: {name}\b", text)
    assert list((ROOT / "tests" / "tasks" / name).glob("test_*.py"))


def test_every_yaml_file_is_of_a_task() -> None:
    assert sorted(path.stem for path in (ROOT / "conf" / "task").glob("*.yaml")) == task_names()


@pytest.mark.parametrize("name", task_names())
def test_a_task_goes_by_scores_of_its_own(name: str) -> None:
    kind = task_kind({"task": name})
    assert set(kind.headline) <= set(kind.monitors)
    assert kind.words.leading_name


def test_a_task_comes_after_the_groups_that_it_may_choose_from() -> None:
    """A defaults list overrides what stands before it, and nothing after."""
    text = (ROOT / "conf" / "_training.yaml").read_text("utf-8")
    groups = [next(iter(one)) for one in yaml.safe_load(text)["defaults"] if isinstance(one, dict)]
    assert groups[-1] == "task"
    assert {"loss", "augment", "model", "schedule"} <= set(groups)


def test_settings_of_a_decoder_are_those_that_were_given() -> None:
    assert decoder_settings({"threshold": None, "tile": 512}) == {}
    assert decoder_settings({"threshold": 0.4}) == {"threshold": 0.4}
