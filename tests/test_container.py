"""The container's recipe agrees with what it is made of; hadolint and a build say the rest."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "Dockerfile").read_text("utf-8")


def test_all_that_is_copied_is_there_and_not_left_out() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    lines = [line.split()[1:-1] for line in RECIPE.splitlines() if line.startswith("COPY ")]
    copied = {name for words in lines if "--from=build" not in words for name in words}
    assert copied == kept
    assert all((ROOT / name).exists() for name in kept)


def test_what_builds_the_package_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    metadata = [project["project"]["readme"], *project["project"]["license-files"]]
    for name in (*wheel["packages"], *wheel["force-include"], *metadata):
        assert re.search(rf"^COPY .*\b{name}\b", RECIPE, re.M), name
    extras = re.findall(r"--extra (\w+)", RECIPE)
    assert extras
    assert {*extras} <= project["project"]["optional-dependencies"].keys()


def test_the_base_is_pinned_and_nobody_is_root() -> None:
    (base,) = re.findall(r"^ARG PYTHON=(\S+)", RECIPE, re.M)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)
    assert re.findall(r"^USER (.*)", RECIPE, re.M) == ["1000:1000"]


@pytest.mark.skipif(shutil.which("awk") is None, reason="awk is not installed")
def test_without_cuda_the_wheels_of_pytorch_alone_lose_their_hashes() -> None:
    (program,) = re.findall(r"awk '(.*?)'", RECIPE, re.S)
    given = (ROOT / "requirements.txt").read_text("utf-8")
    done = subprocess.run(
        ["awk", program.replace("\\\n", "\n")],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def pins(text: str) -> dict[str, int]:
        """Hashes of each pinned version."""
        found = re.findall(r"^(\S+==\S+)(.*?)(?=^\S|\Z)", text, re.M | re.S)
        return {name: more.count("--hash=") for name, more in found}

    before, after = pins(given), pins(done.stdout)
    assert before.keys() == after.keys()
    changed = {name.split("==")[0] for name in before if before[name] != after[name]}
    assert changed == {"torch", "torchvision"}
    assert all(after[name] == 0 for name in after if re.match(r"torch(vision)?==", name))
    assert not re.search(r"^torch(vision)?==\S+ \\$", done.stdout, re.M)
