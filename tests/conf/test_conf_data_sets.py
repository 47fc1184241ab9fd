"""What a data set chooses of other groups, in every command that knows it."""

from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from tests.conf.configurations import CONF, options


def chosen(command: str, *overrides: str) -> Any:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose(command, overrides=list(overrides), return_hydra_config=True)
    return config.hydra.runtime.choices.augment


@pytest.mark.parametrize("name", options("dataset"))
@pytest.mark.parametrize("command", ["train", "sweep", "benchmark", "check", "evaluate"])
def test_every_command_takes_every_data_set(command: str, name: str) -> None:
    given = [f"dataset={name}", *(["run=DIR"] if command == "evaluate" else [])]
    usual = "none" if command == "evaluate" else "light"
    assert chosen(command, *given) == {"chest_xray": "robust_upright"}.get(name, usual)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["dataset=chest_xray", "augment=none"], "none"),
        (["augment=flip", "dataset=chest_xray"], "flip"),
        (["experiment=unet_lowered"], "none"),  # its own, of the same data
        (["experiment=chest_xray_256"], "robust_upright"),
        (["dataset=chest_xray", "recipe=best"], "robust_upright"),
        (["dataset=chest_xray", "task=instance"], "robust_upright"),
    ],
)
def test_what_is_given_and_an_experiment_go_before_it(given: list[str], expected: str) -> None:
    assert chosen("train", *given) == expected
