"""Lists of keys and the reading of dotted keys."""

from pathlib import Path

import pytest
import yaml

from segkit.config import keys
from segkit.config.keys import MAY_CHANGE, flatten, in_todays_words, key_of, within

LISTS = {name: each for name, each in vars(keys).items() if isinstance(each, tuple)}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_no_key_is_named_twice(name: str) -> None:
    assert len(set(LISTS[name])) == len(LISTS[name])


def test_what_may_change_is_told_in_order() -> None:
    assert list(MAY_CHANGE) == sorted(MAY_CHANGE)
    assert {"dataset.root", "trainer.max_epochs", "logger", "max_megapixels"} <= {*MAY_CHANGE}
    assert not within("dataset.size", MAY_CHANGE)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("seed=1", "seed"),
        ("+model.extra=a=b", "model.extra"),
        ("++optim.lr=1", "optim.lr"),
        ("~schedule", "schedule"),
        ("+callbacks@callbacks.more=early", "callbacks"),
    ],
)
def test_the_key_of_an_override(override: str, key: str) -> None:
    assert key_of(override) == key


def test_a_key_is_within_another_only_at_a_dot() -> None:
    assert within("logger", ("logger",))
    assert within("logger.csv.name", ("seed", "logger"))
    assert not within("loggers", ("logger",))
    assert not within("logger", ())


def test_a_nested_configuration_by_dotted_keys() -> None:
    nested = yaml.safe_load("{a: {b: [1, {c: 2}], d: {}}, e: null, 3: {f: x}}")
    assert flatten(nested) == {"a.b": [1, {"c": 2}], "a.d": {}, "e": None, "3.f": "x"}


def test_the_keys_that_are_listed_are_in_the_configuration() -> None:
    """A key that was renamed in conf/ would silently leave its list."""
    conf = Path(__file__).parents[2] / "conf"
    written = "\n".join(path.read_text("utf-8") for path in conf.rglob("*.yaml"))
    # Made by a command itself, or an argument of Lightning's Trainer.
    made = {
        "overrides",
        "choices",
        "fold",
        "max_time",
        "num_nodes",
        "experiment",
        "pruning",
        "monitor_asked",
    }
    named = {key.rsplit(".", 1)[-1] for each in LISTS.values() for key in each if key} - made
    missing = [key for key in sorted(named) if f"{key}:" not in written]
    assert [key for key in missing if key not in ("dirpath", "save_dir")] == []


def test_a_run_of_ddp_before_it_had_a_timeout_is_resumed_by_the_same_command() -> None:
    conf = Path(__file__).parents[2] / "conf" / "trainer" / "_ddp.yaml"
    now = {"trainer": {"strategy": yaml.safe_load(conf.read_text("utf-8"))["strategy"]}}
    assert in_todays_words({"trainer": {"strategy": "ddp"}}) == now
    assert in_todays_words(now) == now
    for other in ({"trainer": {"strategy": "auto"}}, {"seed": 1}):
        assert in_todays_words(other) == other
