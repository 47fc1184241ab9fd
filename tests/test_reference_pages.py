"""docs/configuration.md and docs/api.md: they are as made today, and nothing is missing."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import segkit
from docs.generate import api, configuration
from docs.generate.conf_files import CONF, Key, groups, options, read_file
from tests.documents import anchors

PAGES = {"configuration.md": configuration, "api.md": api}
# Filled in by a run, or Hydra's: nobody sets them.
FILLED_IN = ("choices.", "hydra.", "overrides")


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_its_generator_gives(name: str) -> None:
    module: Any = PAGES[name]
    assert module.PAGE.name == name
    assert module.PAGE.read_text("utf-8") == module.page(), "run `make docs-reference`"


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that has a value, from the root, and the value as it is written."""
    if not isinstance(node, dict) or not node or "low" in node:  # bounds of a search
        yield path, node
        return
    for key, value in node.items():
        yield from leaves(value, f"{path}.{key}" if path else str(key))


def is_told(path: str, value: Any, text: str) -> bool:
    """Whether the page has a key, or the class that a node builds."""
    if path.endswith("_target_"):
        return f"`{value}`" in text
    given_on = ".reader." in path and str(value).startswith("${")
    how = path.rsplit(".", 1)[-1] in ("_partial_", "_convert_")
    return given_on or how or path.startswith(FILLED_IN) or f"| `{path}` |" in text


def composed(command: str, *given: str) -> dict[str, Any]:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose(command, [*given])
    found = OmegaConf.to_container(config, resolve=False)
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}


@pytest.mark.parametrize("command", configuration.COMMANDS)
def test_every_key_of_a_command_is_on_the_page(command: str) -> None:
    text = configuration.PAGE.read_text("utf-8")
    found = dict(leaves(composed(command)))
    assert len(found) > 5
    assert [path for path, value in found.items() if not is_told(path, value, text)] == []


# The other options that bring keys of their own.
@pytest.mark.parametrize(
    "given",
    [
        "dataset=folder",
        "model=swin_unet",
        "loss=focal",
        "task=instance",
        "logger=mlflow",
        "cv=5fold",
    ],
)
def test_every_key_of_an_option_is_on_the_page(given: str) -> None:
    text = configuration.PAGE.read_text("utf-8")
    found = dict(leaves(composed("train", given)))
    assert [path for path, value in found.items() if not is_told(path, value, text)] == []


def test_every_command_group_and_option_has_its_place() -> None:
    assert {path.stem for path in CONF.glob("[!_]*.yaml")} == {*configuration.COMMANDS}
    assert {name for name in configuration.GROUPS if "/" not in name} == {*groups()}
    found = anchors(configuration.PAGE)
    assert {f"segkit{command}" for command in configuration.COMMANDS} <= found
    for group in groups():
        assert group in found
        assert {f"{group}{one.name}" for one in options(group) if one.name[0] != "_"} <= found


def test_every_key_has_a_phrase() -> None:
    files = [read_file(path) for path in CONF.glob("*.yaml")]
    files += [option for group in configuration.GROUPS for option in options(group)]
    silent = [
        f"{file.name}: {key.path}"
        for file in files
        for key in file.keys
        if not (key.given_on or configuration.phrase_of(key))
    ]
    assert silent == []


def test_comments_are_read_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs.generate.conf_files.CONF", tmp_path)
    (tmp_path / "optim").mkdir()
    path = tmp_path / "optim" / "a.yaml"
    path.write_text(
        "# For a test,\n# of two lines.\ndefaults: [_base]\n_target_: some.Thing\n"
        'lr: 1.0e-3   # how fast; "#1"\n# Above.\nname: "a # b"\n'
        "steps:       # what is done\n  - _target_: x.One\n  - _target_: x.OneOf\n"
        "    transforms:\n      - _target_: x.Two\n"
        "inner:       # a part\n  _target_: some.Other\n  deep: {a: [1, 2]}  # flow\n  of: ${lr}\n"
    )
    found = read_file(path)
    assert found.about == ("For a test, of two lines.",)
    assert found.builds_on == ("_base",)
    assert found.builds == "some.Thing"
    assert found.keys == (
        Key("optim.lr", "1.0e-3", 'how fast; "#1"'),
        Key("optim.name", '"a # b"', "Above."),
        Key("optim.steps", "One, OneOf(Two)", "what is done"),
        Key("optim.inner", "some.Other", "a part"),
        Key("optim.inner.deep", "{a: [1, 2]}", "flow"),
        Key("optim.inner.of", "${lr}", ""),
    )


def test_what_can_be_typed_is_set_as_code() -> None:
    assert configuration.marked("see debug=fast, or `a b`: <stem>.png | ~/x; or null") == (
        "see `debug=fast`, or `a b`: `<stem>.png` \\| `~/x`; or `null`"
    )
    assert configuration.marked("a < b, and dataset.split.seed.") == (
        "a \\< b, and `dataset.split.seed`."
    )


def test_the_api_page_has_all_that_the_package_offers() -> None:
    text = api.PAGE.read_text("utf-8")
    for name in segkit.__all__:
        assert f"segkit.{name}" in text, name
    offered = {name for members in api.CONTENTS.values() for _, name, _ in members} - api.GIVEN
    assert offered == {*segkit.__all__} - {"__version__"}


def test_a_docstring_becomes_markdown() -> None:
    source = '''
def f(a: int, *, b: str = "x", **rest: float) -> None:
    """Do it; see :func:`~segkit.api.fit`.

    Example::

        f(1)

    Args:
        a: the first, which is
            long; ``None`` is none.
        rest: others.

    Raises:
        ValueError: it cannot.
    """
'''
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.FunctionDef)
    assert api.signature(node, "segkit.f").strip() == (
        'segkit.f(a: int, *, b: str = "x", **rest: float) -> None'
    )
    assert api.described(node) == (
        "Do it; see `fit`.\n\nExample:\n\n    f(1)\n\nArguments:\n\n"
        "- **a**: the first, which is long; `None` is none.\n- **rest**: others.\n\n"
        "Raises:\n\n- **ValueError**: it cannot.\n"
    )
