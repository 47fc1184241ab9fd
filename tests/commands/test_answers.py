"""What is said in Hydra's place: help, the list of commands, an argument that it cannot read."""

import shlex
import string
import tomllib
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser

from segkit.__main__ import COMMANDS, main
from segkit.config.command_help import help_text
from segkit.config.unreadable import unreadable
from tests.conf.configurations import CONF

ROOT = Path(__file__).parents[2]


@pytest.mark.sampled
@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_what_hydra_would_say(command: str) -> None:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose(command, return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        groups = hydra.format_config_groups(lambda name: not name.startswith("hydra"))
        template = string.Template(config.hydra.help.template)
    assert help_text(CONF, command) == template.substitute(APP_CONFIG_GROUPS=groups)


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert {f"segkit-{name}" for name in COMMANDS} == set(scripts)
    for arguments in ([], ["--help"]):
        assert main(arguments) == 0
        said = capsys.readouterr().out
        for name, does in COMMANDS.items():
            (line,) = [each for each in said.splitlines() if f"segkit.{name} " in each]
            assert does in line
            assert len(line) <= 80


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["train", "dataset.root=my data"], "python -m segkit.train 'dataset.root=my data'"),
        (["segkit.check"], "python -m segkit.check"),
        (["evalaute"], "did you mean 'evaluate'?"),
        (["dataset=folder"], "choose one of: benchmark, check"),
    ],
)
def test_a_command_as_an_argument(
    arguments: list[str], fix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert fix in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        (["monitor=a(b"], "monitor=\"a(b\""),
        (["experiment=it's"], "experiment=\"it's\""),
        (["a=1", "dataset.mask_values={0:", "0,", "255:", "1}", "b=2"],
         "dataset.mask_values={0: 0, 255: 1}"),
        (["values=[(0),255]"], 'values=["(0)",255]'),
        (["optim.lr=[1"], "optim.lr=[1]"),
    ],
)  # fmt: skip
def test_an_argument_that_cannot_be_read_is_written_right(given: list[str], fix: str) -> None:
    argument = next(each for each in given if not each.startswith("a="))
    error = unreadable(argument, given)
    assert error.where == argument
    assert shlex.split(error.remedy.removeprefix("quote it: ")) == [fix]
    assert OverridesParser.create().parse_override(fix)


def test_an_argument_without_a_key() -> None:
    assert unreadable("x y").remedy == "write key=value"
