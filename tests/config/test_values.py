"""The tables of what each command's keys may be, held against its own configuration."""

from inspect import signature
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from segkit.config import values
from segkit.core.errors import SegkitError
from segkit.core.values import Rule, Rules, check

CONF = Path(__file__).parents[2] / "conf"
TABLES: dict[str, Rules] = {
    name: getattr(values, name.upper())
    for name in (
        *("train", "check", "evaluate", "predict"),
        *("export", "compare", "sweep", "benchmark"),
    )
}
GIVEN = {
    "evaluate": ["run=x"],
    "predict": ["run=x", "input=x", "output=x"],
    "export": ["run=x"],
    "sweep": ["study=tiny"],
}


@pytest.fixture(scope="module")
def composed() -> dict[str, dict[str, Any]]:
    found = {}
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        for name in TABLES:
            config = compose(name, GIVEN.get(name))
            if "choices" in config:
                config.choices, config.overrides = {}, []  # they are Hydra's
            found[name] = OmegaConf.to_container(config, resolve=True)
    return found  # type: ignore[return-value]


def node_of(config: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    *parents, leaf = key.split(".")
    for parent in parents:
        config = config[parent]
    return config, leaf


# Keys of a part that is off unless it is asked for, or of one's own data alone.
OPTIONAL = ("callbacks.inference.", "dataset.panel", "dataset.name", "dataset.axes", "dataset.z")


@pytest.mark.parametrize("name", TABLES)
def test_defaults_are_accepted(name: str, composed: Any) -> None:
    check(composed[name], TABLES[name])


@pytest.mark.parametrize("name", [n for n in TABLES if n != "check"])
def test_every_key_of_a_table_is_one_of_the_command(name: str, composed: Any) -> None:
    for key in TABLES[name]:
        if key.startswith("trainer."):  # commands that do not train have few of its keys
            assert key.removeprefix("trainer.") in signature(pl.Trainer).parameters, key
        elif not key.startswith(OPTIONAL):
            node, leaf = node_of(composed[name], key)
            assert leaf in node, key


def refusal(rule: Rule, value: object) -> SegkitError | None:
    try:
        rule.check("a.key", value)
    except SegkitError as error:
        return error
    return None


@pytest.mark.parametrize(("name", "key"), [(n, k) for n, table in TABLES.items() for k in table])
def test_every_rule_refuses_something_and_says_what_to_do(name: str, key: str) -> None:
    wrong: tuple[object, ...] = ("no/such thing", "auto", -7, [], None, {"a": 1}, 0.3)
    told = [error for each in wrong if (error := refusal(TABLES[name][key], each))]
    assert told
    for error in told:
        assert error.where.startswith("a.key=")
        assert error.what
        assert error.remedy
        assert "{" not in error.remedy


@pytest.mark.parametrize("value", ["my_package.", [""], [3], None, {"a": 1}])
def test_prefixes_are_listed(value: Any) -> None:
    with pytest.raises(SegkitError) as error:
        values.PREFIXES.check("allow_targets", value)
    assert "allow_targets=[your_package.]" in error.value.remedy
