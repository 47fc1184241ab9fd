"""The files that a forge and a release look for: citation, forms, hooks, version."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import segkit
from tests.documents import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
# Of which GitHub's forms are made.
INPUTS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def test_the_citation_is_of_this_version() -> None:
    citation = read(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors", "type", "abstract"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]
    assert all(author.keys() & {"name", "family-names"} for author in citation["authors"])


def test_the_version_is_one() -> None:
    """What is installed is what the tree says, once `make setup` has run."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", PROJECT["project"]["version"])
    assert segkit.__version__ == PROJECT["project"]["version"], "run `make setup`"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_are_what_a_forge_takes(path: Path) -> None:
    form = read(path)
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "body"} <= form.keys()
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert ids
    assert len(ids) == len({*ids})
    for part in form["body"]:
        assert part["type"] in INPUTS
        assert part["attributes"]["value" if part["type"] == "markdown" else "label"]


def test_a_report_of_a_problem_brings_what_answers_it() -> None:
    for name in ("problem", "data_not_read"):
        text = (ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text("utf-8")
        assert "python -m segkit.check dataset=folder dataset.root=mydata" in text
        assert "summary.json" in text


def test_hooks_run_what_ci_runs_and_fetch_nothing() -> None:
    config = read(ROOT / ".pre-commit-config.yaml")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    for hook in hooks:
        assert hook["language"] == "system"
        assert re.search(rf"(?:^|; then ){hook['entry']}(?:$|;)", ci, re.M), hook["entry"]
    assert {hook["entry"] for hook in hooks} == {"make lint", "make docs", "make test"}
