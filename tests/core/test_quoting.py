"""Any text survives the shell's, Hydra's and OmegaConf's grammars."""

import shlex

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import instantiate
from hypothesis import given, settings
from omegaconf import OmegaConf

from segkit.core.quoting import escaped, interpolates, quoted, unescaped, unquoted
from segkit.core.shell import command
from tests.config.odd_names import ANY, NAMES

PARSER = OverridesParser.create()


@settings(deadline=None)
@given(ANY)
def test_a_quoted_text_is_read_as_itself(text: str) -> None:
    for mark in ("'", '"'):
        read = PARSER.parse_override(f"key={quoted(text, mark)}")
        assert read.value() == text
        assert isinstance(read.value(), str)
        # A sweep writes it down once more, for each job.
        assert PARSER.parse_override(f"key={read.get_value_element_as_str()}").value() == text
        assert unquoted(quoted(text, mark)) == text


@settings(deadline=None)
@given(ANY)
def test_an_escaped_text_is_resolved_to_itself(text: str) -> None:
    node = {"text": text, "list": [text], "number": 1, "none": None}
    assert unescaped(escaped(node)) == node
    assert not interpolates(escaped(text))
    config = OmegaConf.create(escaped(node) | {"again": "${text}", "below": "${text}/x"})
    resolved = OmegaConf.to_container(config, resolve=True)
    assert resolved == node | {"again": text, "below": f"{text}/x"}


def test_what_interpolates() -> None:
    assert interpolates("${a}")
    assert interpolates("\\\\${a}")
    assert not interpolates("\\${a}")
    assert not interpolates("$a {b}")


def test_instantiate_resolves_twice() -> None:
    """As segkit.runs.build counts on: a version of Hydra that does otherwise is found out here."""
    for name in NAMES:
        text = escaped(escaped(name))
        node = {"_target_": "builtins.dict", "a": text, "b": [text], "c": {"d": [{"e": text}]}}
        inner = {"_target_": "builtins.dict", "_partial_": True, "f": text}
        built = instantiate({**node, "g": inner}, h=text, i=[text], _convert_="all")
        assert built.pop("g")() == {"f": name}
        assert built == {"a": name, "b": [name], "c": {"d": [{"e": name}]}, "h": name, "i": [name]}


def test_a_command_can_be_pasted() -> None:
    for name in NAMES:
        words = shlex.split(command("evaluate", f"run={name}", "split=val"))
        assert words[1:] == ["-m", "segkit.evaluate", f"run={name}", "split=val"]
