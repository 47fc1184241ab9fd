"""The settings of a task of objects, what it refuses, and what it says in words."""

from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.tasks.instance.description import InstanceDescription
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.tables import CLASS_COLUMNS
from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.instance.words import InstanceWords
from tests.tasks.instance.shapes import TASK, discs

GIVEN = InstanceTask(["background", "cell"], Settings(0.25, 0.6, 30))


@pytest.mark.parametrize(
    ("given", "expected"), [(None, 0.25), ("auto", 0.25), (0, 0), (0.4, 0.4), (1, 1)]
)
def test_what_a_threshold_may_be_where_one_can_be_found(given: Any, expected: float) -> None:
    task = GIVEN.with_settings({"threshold": given}, auto=True)
    assert task.settings == {
        "threshold": expected,
        "seed_threshold": 0.6,
        "min_area": 30,
        "halo": 128,
    }
    assert task.classes == GIVEN.classes
    assert task.decoder.settings == task.decoding


@pytest.mark.parametrize("auto", [False, True])
@pytest.mark.parametrize(
    ("key", "given"),
    [
        *(("threshold", bad) for bad in ("best", 1.5, -0.1, True)),
        *(("seed_threshold", bad) for bad in ("best", 1.01, -1, False, "x")),
        *(("min_area", bad) for bad in ("best", -1, 2.5, True, "x")),
        *(("halo", bad) for bad in ("best", 0, 8193, 10**9, 2.5, True)),
    ],
)
def test_what_is_no_setting_is_refused_with_what_is(key: str, given: Any, auto: bool) -> None:
    with pytest.raises(SegkitError, match="is not a") as error:
        GIVEN.with_settings({key: given}, auto=auto)
    assert error.value.where == f"{key}={str(given).lower() if given in (True, False) else given}"
    assert error.value.remedy
    for made in (InstanceTask.of, lambda config, _: InstanceTask.check(config)):
        with pytest.raises(SegkitError, match="is not a"):
            made({**CONFIG, key: given}, ["background", "cell"])


CONFIG = {"monitor": "val/ap", "threshold": "auto", "seed_threshold": 0.5, "min_area": 10}


@pytest.mark.parametrize("key", InstanceTask.keys)
def test_where_none_can_be_found_auto_is_refused(key: str) -> None:
    with pytest.raises(SegkitError, match=r"is not a (whole )?number"):
        GIVEN.with_settings({key: "auto"})


def test_auto_begins_with_the_settings_beside_it_and_is_fitted() -> None:
    task = InstanceTask.of({**CONFIG, "seed_threshold": 0.3}, ["background", "cell"])
    assert task.auto == ("threshold",)
    assert task.settings == {"threshold": 0.5, "seed_threshold": 0.3, "min_area": 10, "halo": 128}
    assert task.with_settings({"threshold": 0.4}).auto == task.auto, "it was found"
    given = InstanceTask.of({**CONFIG, "threshold": 0.4}, ["background", "cell"])
    assert not given.auto
    assert given.settings["threshold"] == 0.4
    bare = InstanceTask.of({"monitor": "val/ap"}, ["background", "cell"])
    assert bare.settings == TASK.settings
    assert not bare.auto


def test_each_that_is_auto_is_found_and_each_that_is_given_kept() -> None:
    config = {**dict.fromkeys(InstanceTask.keys, "auto"), "monitor": "val/ap"}
    every = InstanceTask.of(config, TASK.classes)
    assert (every.auto, every.settings) == (InstanceTask.keys, TASK.settings)
    task = InstanceTask.of({**config, "min_area": 30}, TASK.classes)
    assert task.auto == ("threshold", "seed_threshold", "halo")
    assert task.settings == {**TASK.settings, "min_area": 30}
    # As evaluate asks.
    asked = every.with_settings({"threshold": "auto", "min_area": 3, "halo": None}, auto=True)
    assert asked.auto == ("threshold", "seed_threshold", "halo")
    assert asked.settings == {**TASK.settings, "min_area": 3}
    assert TASK.with_settings({"min_area": "auto"}, auto=True).auto == ("min_area",)


def test_what_networks_were_fitted_to_is_taken_together() -> None:
    found = [
        {"threshold": 0.4, "seed_threshold": 0.25, "min_area": 5, "halo": 60},
        {"threshold": 0.5, "seed_threshold": 0.3, "min_area": 80, "halo": 90},
        {"threshold": 0.7, "seed_threshold": 0.3, "min_area": 10, "halo": 32},
    ]
    merged = InstanceTask.merged(found)
    assert merged == {"threshold": 0.5333, "seed_threshold": 0.2833, "min_area": 10, "halo": 90}
    assert TASK.with_settings(merged).settings == merged
    assert InstanceTask.merged([{"min_area": 5}, {"min_area": 10}]) == {"min_area": 5}


def test_a_setting_of_another_task_is_refused() -> None:
    with pytest.raises(SegkitError, match="no such setting") as error:
        GIVEN.with_settings({"two_logits": True, "threshold": 0.4})
    assert error.value.where == "two_logits"
    assert "seed_threshold" in error.value.remedy


@pytest.mark.parametrize("classes", [["background"], ["background", "a", "b"]])
def test_objects_are_of_one_class(classes: list[str]) -> None:
    with pytest.raises(SegkitError, match="objects of one class") as error:
        InstanceTask(classes)
    assert error.value.where == "task=instance"
    assert "task=semantic" in error.value.remedy


@pytest.mark.parametrize("name", ["val/loss", *(f"val/{name}" for name in InstanceTask.monitors)])
def test_what_may_be_monitored(name: str) -> None:
    InstanceTask.check({**CONFIG, "monitor": name})


@pytest.mark.parametrize("name", ["ap", "val/iou", "val/ap5", "test/ap", "", None])
def test_what_may_not_be_monitored(name: Any) -> None:
    with pytest.raises(SegkitError) as error:
        InstanceTask.check({**CONFIG, "monitor": name})
    assert error.value.where.startswith("monitor")
    assert "val/a" in error.value.remedy


def test_every_score_that_is_monitored_or_tested_is_given_and_has_words() -> None:
    scores = TASK.scorer.scores(TASK.scorer.none(), [])["all"]
    assert {*TASK.monitors, *TASK.headline, *TASK.tested, *InstanceWords.leading} <= set(scores)
    assert {*TASK.headline, *InstanceWords.leading, *InstanceWords.optional} <= set(CLASS_COLUMNS)
    words = InstanceWords.meaning
    assert set(words) <= set(CLASS_COLUMNS)
    for name in (*TASK.headline, *TASK.tested):
        assert words[name]
    assert set(TASK.settings) == set(TASK.keys) <= set(words)


def test_words_of_a_report() -> None:
    test = {"n": 7, "n_true": 71, "n_found": 58, "ap50": 0.63291, "ap": 0.4111, "pq": 0.6415}
    test |= {"ap50_image": 0.65674, "recall_50": 0.7042, "n_images": 7}
    words = InstanceWords()
    line = words.summary_line({"all": test})
    for part in (
        "ap50 0.6329",
        "0.6567",
        "ap 0.4111",
        "pq 0.6415",
        "58 drawn, 71 true (recall 0.7042)",
        "n=7",
    ):
        assert part in line
    assert "mean over images" in line
    assert "mean over groups" in words.summary_line({"all": test | {"n_images": 9}})
    facts = words.facts(test, "image")
    assert [name for name, *_ in facts] == ["test AP@.5", "test AP@.5, pooled", "objects drawn"]
    assert "7 images" in facts[0][2]
    assert (facts[2][1], facts[2][2]) == (58, "71 true; recall 0.7042")


def test_what_predict_says_of_an_image() -> None:
    labels = discs((10, 10, 4), (30, 40, 6), (12, 50, 3))
    assert TASK.described_by() == ["nucleus_objects", "nucleus_pixels", "nucleus_share"]
    for rows in (1, 7, 48):
        description = TASK.describe()
        assert isinstance(description, InstanceDescription)
        for top in range(0, 48, rows):
            description.add(labels[top : top + rows])
        pixels = int((labels > 0).sum())
        assert description.facts() == {
            "nucleus_objects": 3,
            "nucleus_pixels": pixels,
            "nucleus_share": f"{pixels / labels.size:.6f}",
        }
    nothing = TASK.describe()
    assert nothing.facts()["nucleus_objects"] == 0
    nothing.add(np.zeros((4, 4), np.int32))
    assert nothing.facts()["nucleus_share"] == "0.000000"
