"""What the documents show is there: commands compose, scripts parse, links, targets and extras."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from PIL import Image

from segkit.config.literal import own_data
from segkit.runs.cli import config_dir
from tests.documents import (
    DOCUMENTS,
    NOTEBOOKS,
    PAGES,
    README,
    ROOT,
    all_blocks,
    anchors,
    commands,
    links,
    split_command,
)

FLAGS = {"-m", "--help", "--cfg", "job"}
LARGEST = 300_000  # bytes of a picture


def _text() -> str:
    return "\n".join(path.read_text("utf-8") for path in DOCUMENTS)


def test_documents_show_commands_and_scripts() -> None:
    assert len(commands(README.read_text("utf-8"))) >= 5
    assert PAGES
    for page in PAGES:
        assert len(commands(page.read_text("utf-8"))) >= 2


@pytest.mark.slow  # hundreds
@pytest.mark.parametrize("command", sorted({*commands(_text())}))
def test_command_composes(command: str) -> None:
    name, words = split_command(command)
    assert (ROOT / "segkit" / f"{name}.py").is_file()
    overrides = [word for word in words if word not in FLAGS]
    overrides = [*filter(None, [own_data(words, name)]), *overrides]
    if name == "compare":  # which takes its own key for that of Hydra's group of the same name
        overrides = [re.sub(r"^sweep=", "folder=", word) for word in overrides]
    # A sweep is tried with the first value of each choice.
    first = [
        f"{o.get_key_element()}={next(iter(o.sweep_string_iterator()))}"
        if o.is_sweep_override()
        else o.input_line
        for o in OverridesParser.create().parse_overrides(overrides)
    ]
    with initialize_config_dir(version_base="1.3", config_dir=str(config_dir())):
        config = compose(name, [str(o) for o in first], return_hydra_config=True)
    assert "hydra" in config


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_scripts_parse(document: Path) -> None:
    for block in all_blocks(document):
        if block.kind == "python":
            ast.parse(block.text)


def test_extras_exist() -> None:
    named = re.findall(r"segkit\[([\w,]+)\]", _text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert named
    assert {name for names in named for name in names.split(",")} <= {
        *project["optional-dependencies"]
    }


def test_make_targets_exist() -> None:
    named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", _text(), flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    assert {"train", "test"} <= named <= targets


@pytest.mark.parametrize("document", [*DOCUMENTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document):
        name, _, place = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not place or place in anchors(target), link


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_hold_no_outputs(notebook: Path) -> None:
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_pictures_are_small_open_and_are_shown() -> None:
    pictures = {path for path in (ROOT / "docs").iterdir() if path.suffix in (".png", ".jpg")}
    shown = {(page.parent / link).resolve() for page in DOCUMENTS for link in links(page)}
    assert pictures <= shown
    for path in pictures:
        assert path.stat().st_size < LARGEST, path.name
        with Image.open(path) as picture:
            picture.load()
