"""Every command that the documents show composes; every make target that they name exists."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from segkit.runs.cli import config_dir

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
FLAGS = {"-m", "--help", "--cfg", "job"}


def _commands() -> list[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    found = re.findall(r"python -m (segkit\.\w+[^`\n|]*)", text)
    return sorted({command.split("  #")[0].strip() for command in found})


def test_documents_show_commands() -> None:
    assert len(_commands()) >= 10


@pytest.mark.parametrize("command", _commands())
def test_command_composes(command: str) -> None:
    module, *words = shlex.split(command)
    name = module.removeprefix("segkit.")
    assert (ROOT / "segkit" / f"{name}.py").is_file()
    overrides = [word for word in words if word not in FLAGS]
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


def test_make_targets_exist() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    assert {"train", "test"} <= named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    assert all((ROOT / link).exists() for link in links if "://" not in link)
